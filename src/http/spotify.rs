//! Commands in the words of the Spotify Web API, translated into those of the protocol (`actors/PROTOCOL.md`).

use super::{
    AuthUser,
    command_query::RepeatState,
    contexts,
    playback::snapshot,
    uris::{self, Noun},
};
use crate::{
    app::App,
    error::{ApiError, Kind},
    values::catalogue_id::CatalogueId,
};
use segue_client::protocol::ids::DeviceId;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

type BodyFields = Map<String, Value>;

/// Which of the tracks comes first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Offset {
    position: Option<usize>,
    uri: Option<String>,
}

/// The fields of the command of this name, without those that only the Spotify Web API knows.
///
/// # Errors
/// `invalid` for values that cannot be read or contradict each other; `not_implemented` for what Segue has no notion of;
/// `no_active_device` or `conflict` when the command is for a device that is not the active one.
pub(super) async fn translate(
    app: &App,
    asker: AuthUser,
    name: &str,
    mut fields: BodyFields,
) -> Result<BodyFields, ApiError> {
    match name {
        "play" => play(app, asker, &mut fields).await?,
        "transfer" => transfer(&mut fields)?,
        "volume" => rename(&mut fields, "volume_percent", "level")?,
        "shuffle" => rename(&mut fields, "state", "on")?,
        "repeat" => repeat(&mut fields)?,
        "queue.insert" => {
            if let Some(uri) = take::<String>(&mut fields, "uri")? {
                put(&mut fields, "tracks", "uri", json!([uri]))?;
            }
        }
        _ => {}
    }
    bare_tracks(&mut fields)?;
    if name != "volume"
        && let Some(device) = take(&mut fields, "device_id")?
    {
        only_on(app, asker, device, &mut fields).await?;
    }
    Ok(fields)
}

/// Removes a field and reads it; `None` when it is absent or `null`.
fn take<T: DeserializeOwned>(fields: &mut BodyFields, name: &str) -> Result<Option<T>, ApiError> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let read = serde_json::from_value(value);
            read.map(Some).map_err(|error| ApiError::invalid(format!("{name} cannot be read: {error}")))
        }
    }
}

/// Sets a field of the protocol from `of`.
fn put(fields: &mut BodyFields, name: &str, of: &str, value: Value) -> Result<(), ApiError> {
    match fields.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(ApiError::invalid(format!("give {name} or {of}, not both"))),
    }
}

fn rename(fields: &mut BodyFields, from: &str, to: &str) -> Result<(), ApiError> {
    match take::<Value>(fields, from)? {
        Some(value) => put(fields, to, from, value),
        None => Ok(()),
    }
}

fn repeat(fields: &mut BodyFields) -> Result<(), ApiError> {
    let Some(state) = take(fields, "state")? else { return Ok(()) };
    let mode = match state {
        RepeatState::Off => "off",
        RepeatState::Track => "one",
        RepeatState::Context => "all",
    };
    put(fields, "mode", "state", json!(mode))
}

/// `device_ids` and `play` of the Spotify Web API: without `play` it goes on as it was.
fn transfer(fields: &mut BodyFields) -> Result<(), ApiError> {
    let play = take::<bool>(fields, "play")?;
    let Some(devices) = take::<Vec<DeviceId>>(fields, "device_ids")? else { return Ok(()) };
    let [device] = devices[..] else { return Err(ApiError::invalid("give one device in device_ids")) };
    put(fields, "to", "device_ids", json!(device))?;
    put(fields, "mode", "play", json!(if play == Some(true) { "play" } else { "keep" }))
}

async fn play(app: &App, asker: AuthUser, fields: &mut BodyFields) -> Result<(), ApiError> {
    rename(fields, "device_id", "on")?;
    let offset = take::<Offset>(fields, "offset")?;
    let tracks = match (take::<Vec<String>>(fields, "uris")?, take::<String>(fields, "context_uri")?) {
        (Some(_), Some(_)) => return Err(ApiError::invalid("give uris or context_uri, not both")),
        (Some(uris), None) => {
            let ids = uris.iter().map(|uri| uris::id(uri, Noun::Track));
            ids.map(|id| Ok((id?, true))).collect::<Result<Vec<_>, ApiError>>()?
        }
        (None, Some(uri)) => contexts::tracks(app, asker, &uri).await?,
        (None, None) if offset.is_some() => {
            return Err(ApiError::invalid("offset needs uris or context_uri"));
        }
        (None, None) => return Ok(()),
    };
    if let Some(offset) = offset {
        put(fields, "start", "offset", json!(start(&tracks, &offset)?))?;
    }
    let there = tracks.iter().filter(|(_, there)| *there).map(|(id, _)| CatalogueId(*id).to_string());
    let there: Vec<String> = there.collect();
    if there.is_empty() {
        return Err(ApiError::invalid("there is no track to play in uris or context_uri"));
    }
    put(fields, "tracks", "uris or context_uri", json!(there))
}

/// The index of the first track among those that can be played.
fn start(tracks: &[(i64, bool)], offset: &Offset) -> Result<usize, ApiError> {
    let place = match offset {
        Offset { position: Some(position), uri: None } => *position,
        Offset { position: None, uri: Some(uri) } => {
            let wanted = uris::id(uri, Noun::Track)?;
            let place = tracks.iter().position(|(id, _)| *id == wanted);
            place.ok_or_else(|| ApiError::invalid("offset.uri is not among the tracks"))?
        }
        _ => return Err(ApiError::invalid("offset has either position or uri")),
    };
    let before = tracks.get(..place).filter(|_| place < tracks.len());
    let before = before.ok_or_else(|| ApiError::invalid(format!("offset is beyond the {} tracks", tracks.len())))?;
    Ok(before.iter().filter(|(_, there)| *there).count())
}

/// Ids in place of the URIs in `tracks`. What is no text is left to the reader of the command.
fn bare_tracks(fields: &mut BodyFields) -> Result<(), ApiError> {
    let Some(Value::Array(tracks)) = fields.get_mut("tracks") else { return Ok(()) };
    for track in tracks {
        if let Value::String(text) = track {
            *text = CatalogueId(uris::id(text, Noun::Track)?).to_string();
        }
    }
    Ok(())
}

/// The command is meant for this device: it is refused when another one is active, and when another one becomes active before
/// the session has read it.
async fn only_on(app: &App, asker: AuthUser, device: DeviceId, fields: &mut BodyFields) -> Result<(), ApiError> {
    let playback = snapshot(app, asker.user).await?.playback;
    let Some(active) = playback.active else {
        let message = "no device is active: PUT /v1/me/player makes one active";
        return Err(ApiError::new(Kind::NoActiveDevice, message));
    };
    if active.device_id != device {
        let message = "another device is active: PUT /v1/me/player makes this one active";
        return Err(ApiError::new(Kind::Conflict, message));
    }
    fields.entry("if_lease").or_insert_with(|| json!(active.lease));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(value: Value) -> BodyFields {
        serde_json::from_value(value).expect("an object")
    }

    const DEVICE: &str = "00000000000000d1";

    #[test]
    fn fields_get_the_names_of_the_protocol() {
        let mut of_transfer = fields(json!({"device_ids": [DEVICE], "play": true}));
        transfer(&mut of_transfer).expect("it can be read");
        assert_eq!(of_transfer, fields(json!({"to": DEVICE, "mode": "play"})));
        for (state, mode) in [("off", "off"), ("track", "one"), ("context", "all")] {
            let mut of_repeat = fields(json!({"state": state}));
            repeat(&mut of_repeat).expect("it can be read");
            assert_eq!(of_repeat, fields(json!({"mode": mode})));
        }
        let mut of_volume = fields(json!({"volume_percent": 30}));
        rename(&mut of_volume, "volume_percent", "level").expect("it can be read");
        assert_eq!(of_volume, fields(json!({"level": 30})));
        let mut of_queue = fields(json!({"tracks": [format!("spotify:track:{DEVICE}"), 7]}));
        bare_tracks(&mut of_queue).expect("it can be read");
        assert_eq!(of_queue, fields(json!({"tracks": [DEVICE, 7]})));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        assert!(transfer(&mut fields(json!({"device_ids": [DEVICE, DEVICE]}))).is_err());
        assert!(transfer(&mut fields(json!({"device_ids": [DEVICE], "to": DEVICE}))).is_err());
        assert!(repeat(&mut fields(json!({"state": "on"}))).is_err());
        assert!(repeat(&mut fields(json!({"state": "off", "mode": "one"}))).is_err());
    }

    #[test]
    fn an_offset_counts_what_cannot_be_played() {
        let tracks = [(1, true), (2, false), (3, true), (4, true)];
        let at = |value| start(&tracks, &serde_json::from_value(value).expect("an offset")).map_err(|error| error.kind);
        assert_eq!(at(json!({"position": 0})), Ok(0));
        assert_eq!(at(json!({"position": 3})), Ok(2));
        assert_eq!(at(json!({"uri": "spotify:track:0000000000000004"})), Ok(2));
        for bad in [
            json!({"position": 4}),
            json!({"uri": "spotify:track:0000000000000005"}),
            json!({}),
            json!({"position": 0, "uri": "spotify:track:0000000000000001"}),
        ] {
            assert_eq!(at(bad.clone()), Err(Kind::Invalid), "{bad}");
        }
    }
}
