//! The queries of commands: parameters of the Spotify Web API. All of them may be in the body instead.

use crate::error::ApiError;
use segue_client::protocol::ids::DeviceId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

macro_rules! queries {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $about:literal])+ $(#[param($($param:tt)*)])? $field:ident: $type:ty,)* })+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Default, Deserialize, Serialize, IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub(super) struct $name {
            $($(#[doc = $about])+ $(#[param($($param)*)])? #[serde(skip_serializing_if = "Option::is_none")] $field: Option<$type>,)*
        }
    )+};
}

queries! {
    /// Of a command that has no parameters.
    NoQuery {}
    /// Of a command for a device.
    DeviceQuery {
        /// The device. Without it the active one.
        #[param(value_type = Option<String>)]
        device_id: DeviceId,
    }
    /// Of `seek`.
    SeekQuery {
        /// Milliseconds from the item's start.
        position_ms: i64,
        /// The device, which must be the active one.
        #[param(value_type = Option<String>)]
        device_id: DeviceId,
    }
    /// Of `repeat`.
    RepeatQuery {
        /// `off`, `track` (which is `one` in the body) or `context` (`all`).
        state: RepeatState,
        /// The device, which must be the active one.
        #[param(value_type = Option<String>)]
        device_id: DeviceId,
    }
    /// Of `shuffle`.
    ShuffleQuery {
        /// `true` or `false`.
        state: bool,
        /// The device, which must be the active one.
        #[param(value_type = Option<String>)]
        device_id: DeviceId,
    }
    /// Of `volume`.
    VolumeQuery {
        /// 0 to 100.
        #[param(maximum = 100)]
        volume_percent: u8,
        /// The device. Without it the active one.
        #[param(value_type = Option<String>)]
        device_id: DeviceId,
    }
    /// Of `queue.insert`.
    InsertQuery {
        /// A track: its URI or its id.
        uri: String,
        /// The device, which must be the active one.
        #[param(value_type = Option<String>)]
        device_id: DeviceId,
    }
}

/// What repeats, in the words of the Spotify Web API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum RepeatState {
    /// Nothing.
    Off,
    /// The track.
    Track,
    /// The whole queue.
    Context,
}

/// Adds the parameters of a query to the fields of a body.
///
/// # Errors
/// `invalid` for what is in both.
pub(super) fn merge(mut fields: Map<String, Value>, query: impl Serialize) -> Result<Map<String, Value>, ApiError> {
    let Ok(Value::Object(query)) = serde_json::to_value(query) else { return Ok(fields) };
    for (name, value) in query {
        if fields.insert(name.clone(), value).is_some() {
            return Err(ApiError::invalid(format!("{name} is in the query and in the body: give it once")));
        }
    }
    Ok(fields)
}
