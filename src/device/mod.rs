//! A device in the terminal: files, network and terminal around the client's rules, which are pure.

mod address;
mod api;
mod audio;
mod catalogue;
mod commands;
mod download;
mod events;
mod front;
mod happening;
mod lines;
mod memory;
mod newest;
mod options;
mod request;
mod running;
mod screen;
mod socket;
mod surroundings;
mod trouble;
mod trust;
mod view;

pub use address::ServerAddress;
pub use memory::usual_file;
pub use options::{Face, Options};
pub use trouble::Trouble;

use api::Api;
use happening::{Found, Happening};
use request::Request;
use segue_client::protocol::device::HelloDevice;
use segue_client::protocol::device::Volume;
use segue_client::protocol::ids::InstanceId;

/// Logs in and runs the device until it is ended. Call it within an actix system.
///
/// # Errors
/// A wrong address or password, a server that cannot be reached, a file that cannot be used; or the server ended the device
/// for good.
pub async fn run(options: Options) -> Result<(), Trouble> {
    let description = HelloDevice {
        plays: options.plays,
        volume: options.plays.then_some(Volume { level: 100, muted: false, version: 0 }),
        ..HelloDevice::new(InstanceId(rand::random()), &options.name, options.kind)
    };
    description.check().map_err(|error| Trouble::new(error.to_string()))?;
    let memory = memory::Memory::open(&options.state_file)?;
    let api = Api::log_in(&options).await?;
    let known = memory.known();
    let volume = known.and_then(|known| known.volume).filter(|_| options.plays).or(description.volume);
    let description = HelloDevice { id: known.map(|known| known.device_id), volume, ..description };
    running::RunningDevice::new(&options, description, memory, api)?.run().await
}
