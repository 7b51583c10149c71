//! A device: how it describes itself in `hello`, and how it is shown to all devices.

use super::error::WireError;
use super::ids::{DeviceId, InstanceId, Micros, Stamp};
use serde::{Deserialize, Serialize};

/// What kind of thing a device is; screens choose an icon by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A web page.
    Browser,
    /// A phone or tablet.
    Phone,
    /// A desktop or laptop program.
    Computer,
    /// A loudspeaker without a screen.
    Speaker,
    /// A terminal.
    Terminal,
    /// Anything else.
    #[default]
    #[serde(other)]
    Other,
}

/// Loudness of one device. It belongs to the device: a transfer does not move it (R15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// 0 (silent) to 100 (full).
    pub level: u8,
    /// Whether it is muted; the level is kept.
    #[serde(default)]
    pub muted: bool,
    /// Counts volume commands; a device applies only a version higher than its last. At most [`Volume::MOST_VERSION`].
    #[serde(default)]
    pub version: u64,
}

impl Volume {
    /// The highest version: the largest integer that JavaScript keeps exact (ECMA-262, `Number.MAX_SAFE_INTEGER`).
    pub const MOST_VERSION: u64 = (1 << 53) - 1;
}

/// Longest name of a device, in characters.
pub const NAME_CHARS: usize = 64;

/// Whether this is a name of a device: 1 to [`NAME_CHARS`] characters, no control characters.
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= NAME_CHARS && !text.chars().any(char::is_control)
}

/// How a device describes itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloDevice {
    /// The id an earlier `welcome` gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<DeviceId>,
    /// Random for each process or page load.
    pub instance: InstanceId,
    /// Shown to people.
    pub name: String,
    /// Which icon screens show.
    #[serde(default)]
    pub kind: DeviceKind,
    /// Whether it can sound.
    pub plays: bool,
    /// Whether it may send commands.
    pub controls: bool,
    /// Its volume, if it knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Volume>,
}

impl HelloDevice {
    /// A device that can sound and may send commands, not known to the server yet.
    #[must_use]
    pub fn new(instance: InstanceId, name: &str, kind: DeviceKind) -> Self {
        Self { id: None, instance, name: name.to_owned(), kind, plays: true, controls: true, volume: None }
    }

    /// Checks that each field is within its limit: the length of the name, a level of at most 100, a version of at
    /// most [`Volume::MOST_VERSION`].
    ///
    /// # Errors
    /// `WireError` that names the first field that is not.
    pub fn check(&self) -> Result<(), WireError> {
        let wrong = if !is_name(self.name.trim()) {
            "device.name has 1 to 64 characters and no control characters"
        } else if self.volume.is_some_and(|volume| volume.level > 100) {
            "device.volume.level is 0 to 100"
        } else if self.volume.is_some_and(|volume| volume.version > Volume::MOST_VERSION) {
            "device.volume.version is at most 9007199254740991"
        } else {
            return Ok(());
        };
        Err(WireError(wrong.to_owned()))
    }
}

/// The whole device list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceList {
    /// With `devices_revision`: the stamp that orders device lists.
    pub epoch: u64,
    /// The revision of its last change.
    pub devices_revision: u64,
    /// The list.
    pub devices: Vec<DeviceView>,
}

impl DeviceList {
    /// Epoch and revision.
    #[must_use]
    pub const fn stamp(&self) -> Stamp {
        Stamp { epoch: self.epoch, revision: self.devices_revision }
    }
}

/// Whether a device can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceView {
    /// It has a socket.
    Online,
    /// Its socket ended uncleanly, and its grace has not passed.
    Away,
}

/// A device as it is shown to all devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceView {
    /// Its id, which commands name.
    pub id: DeviceId,
    /// Shown to people.
    pub name: String,
    /// Which icon screens show.
    pub kind: DeviceKind,
    /// Whether it can sound.
    pub plays: bool,
    /// Whether it may send commands.
    pub controls: bool,
    /// Whether it can be reached.
    pub presence: PresenceView,
    /// Its volume; absent: unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Volume>,
    /// When it became online or away.
    pub since_us: Micros,
}
