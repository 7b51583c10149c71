//! Turns requests of a person or a program into inputs of the client's rules and commands of the protocol.

use super::{
    Found, Happening,
    api::{Api, Refusal},
    request::{Request, device_named},
};
use segue_client::protocol::{
    ids::{CommandId, DeviceId, MediaId},
    messages::{Op, TransferMode},
};
use segue_client::{Client, Input};
use tokio::sync::mpsc::Sender;

/// The most tracks that one request plays.
const MOST_TRACKS: usize = 500;
/// How many hits are shown while a person types a search.
const HITS: usize = 20;
/// How many entries of the queue are shown.
const QUEUE: usize = 200;

/// What is to be done for a request.
pub(super) enum Meaning {
    /// This input goes to the client's rules at once.
    Input(Input),
    /// Something is looked up first; the answer comes as a `Happening`.
    LookUp,
    /// Search for these words, and give up the search for what was typed before; see [`look_for`].
    Typed(String),
    /// The device ends.
    Quit,
}

/// Plays these tracks from the one of that index on.
pub(super) fn play(tracks: Vec<MediaId>, start: usize) -> Op<MediaId> {
    let start = (!tracks.is_empty()).then_some(start);
    Op::Play { item: None, tracks, start, position_ms: None, on: None }
}

/// A command with a new random id.
pub(super) fn command(op: Op<MediaId>) -> Input {
    Input::Command(CommandId(rand::random()), op)
}

/// What is to be done for the request, given the state of the client at `local_us` (microseconds of its own clock).
///
/// # Errors
/// Why nothing can be done; a text for people.
pub(super) fn meaning(
    request: Request,
    client: &Client,
    local_us: i64,
    api: &Api,
    happenings: &Sender<Happening>,
) -> Result<Meaning, String> {
    let op = match request {
        Request::Play => play(Vec::new(), 0),
        Request::PlayTracks(tracks, start) => play(tracks, start),
        Request::Pause => Op::Pause,
        Request::Stop => Op::Stop,
        Request::Seek(position_ms) => Op::Seek { position_ms },
        Request::SeekBy(delta_ms) => {
            let position_ms = client.position_at(local_us).unwrap_or(0).saturating_add(delta_ms).max(0);
            Op::Seek { position_ms }
        }
        Request::Next => Op::Next,
        Request::Previous => Op::Previous,
        Request::Transfer(name, mode) => {
            let devices = client.devices().map(|list| list.devices.as_slice()).unwrap_or_default();
            Op::Transfer { to: device_named(devices, &name)?, mode }
        }
        Request::TakeOver => Op::Transfer { to: own_id(client)?, mode: TransferMode::Play },
        Request::Repeat(mode) => Op::Repeat { mode },
        Request::Shuffle(on) => Op::Shuffle { on },
        Request::Volume(level) => volume(client, Some(level), None)?,
        Request::VolumeBy(delta) => volume(client, None, Some(delta))?,
        Request::Search(words) => {
            look_up(api, happenings, async move |api| {
                Found::ToPlay(format!("search {words}"), best(&api, &words).await)
            });
            return Ok(Meaning::LookUp);
        }
        Request::PlayAlbum(album, track) => {
            look_up(api, happenings, async move |api| Found::ToPlay("play".to_owned(), all(&api, &album, track).await));
            return Ok(Meaning::LookUp);
        }
        Request::Look(words) => return Ok(Meaning::Typed(words)),
        Request::Queue if client.link().is_welcomed() => {
            return Ok(Meaning::Input(Input::Look { from: 0, limit: QUEUE }));
        }
        Request::Queue => return Err("there is no connection to the server".to_owned()),
        Request::Quit => return Ok(Meaning::Quit),
    };
    Ok(Meaning::Input(command(op)))
}

fn own_id(client: &Client) -> Result<DeviceId, String> {
    client.device_id().ok_or_else(|| "the server has not welcomed this device yet".to_owned())
}

fn volume(client: &Client, level: Option<u8>, delta: Option<i16>) -> Result<Op<MediaId>, String> {
    let active = client.playback().and_then(|shown| shown.active).map(|active| active.device_id);
    let device_id = active.map_or_else(|| own_id(client), Ok)?;
    Ok(Op::Volume { device_id: Some(device_id), level, delta, muted: None })
}

fn look_up(api: &Api, happenings: &Sender<Happening>, ask: impl AsyncFnOnce(Api) -> Found + 'static) {
    let (api, happenings) = (api.clone(), happenings.clone());
    actix::spawn(async move {
        let found = ask(api).await;
        drop(happenings.send(Happening::Found(found)).await);
    });
}

/// Searches for what was typed; the hits come as a `Happening`.
pub(super) async fn look_for(words: String, api: Api, happenings: Sender<Happening>) {
    let hits = api.search(&words, HITS).await.map_err(|refusal| refusal.to_string());
    drop(happenings.send(Happening::Found(Found::Hits(words, hits))).await);
}

async fn best(api: &Api, words: &str) -> Result<(Vec<MediaId>, usize), String> {
    let hits = api.search(words, 1).await.map_err(|refusal: Refusal| refusal.to_string())?;
    let hit = hits.first().ok_or_else(|| format!("nothing was found for {words:?}"))?;
    Ok((vec![hit.id], 0))
}

async fn all(api: &Api, album: &str, track: MediaId) -> Result<(Vec<MediaId>, usize), String> {
    let tracks = api.album(album, MOST_TRACKS).await.map_err(|refusal| refusal.to_string())?;
    let start = tracks.iter().position(|id| *id == track).unwrap_or(0);
    Ok((tracks, start))
}
