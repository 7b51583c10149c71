//! A device: what it says of itself, and how the others see it.

use super::ids::{DeviceId, InstanceId, Micros, Stamp};
use super::wire::WireError;
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

/// Loudness of one device. It belongs to the device and never travels with the music.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// 0 (silent) to 100 (full).
    pub level: u8,
    /// Whether it is silenced without losing its level.
    #[serde(default)]
    pub muted: bool,
    /// Counts commands; a device applies only versions above its last.
    #[serde(default)]
    pub version: u64,
}

/// Longest name of a device, in characters.
pub const NAME_CHARS: usize = 64;

/// Whether people can be shown this as a device's name.
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= NAME_CHARS && !text.chars().any(char::is_control)
}

/// What a device says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloDevice {
    /// The id an earlier `welcome` gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<DeviceId>,
    /// Random for each process or page load.
    pub instance: InstanceId,
    /// Shown to people.
    pub name: String,
    /// Icon.
    #[serde(default)]
    pub kind: DeviceKind,
    /// Can sound.
    pub plays: bool,
    /// May command.
    pub controls: bool,
    /// Its loudness, where it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Volume>,
}

impl HelloDevice {
    /// Whether each field is within its bound: the name has a length, a level is at most 100.
    ///
    /// # Errors
    /// `WireError` that names the first field that is not.
    pub fn check(&self) -> Result<(), WireError> {
        let wrong = if !is_name(self.name.trim()) {
            "device.name has 1 to 64 characters and no control characters"
        } else if self.volume.is_some_and(|volume| volume.level > 100) {
            "device.volume.level is 0 to 100"
        } else {
            return Ok(());
        };
        Err(WireError(wrong.to_owned()))
    }
}

/// Who is there, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceList {
    /// With `devices_revision`: its order.
    pub epoch: u64,
    /// Of its last change.
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
    /// It was lost a moment ago.
    Away,
}

/// A device as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceView {
    /// Names it in commands.
    pub id: DeviceId,
    /// Shown to people.
    pub name: String,
    /// Icon.
    pub kind: DeviceKind,
    /// Can sound.
    pub plays: bool,
    /// May command.
    pub controls: bool,
    /// Whether it can be reached.
    pub presence: PresenceView,
    /// Loudness; absent is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Volume>,
    /// Since when it is as `presence` says.
    pub since_us: Micros,
}
