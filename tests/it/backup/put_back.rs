//! A database restored to an earlier state while the server runs, by copying rows instead of `segue restore`.

use super::sql;
use crate::{
    harness::{Server, until},
    house::MUSIC,
    sync::socket::{Socket, command},
};
use segue_client::protocol::{
    ids::{CommandId, ItemId, MediaId, Stamp},
    messages::{Command, Op, RejectCode, Report, Sound},
    playback::{Playback, Repeat},
    wire::{ClientMessage, ServerMessage},
};

const TABLES: [&str; 3] = ["sessions", "session_queues", "plays"];

async fn tracks(server: &Server, token: &str) -> Vec<MediaId> {
    let mut ids = Vec::new();
    until("the music is in the catalogue", async || {
        let request = server.request(awc::http::Method::GET, "/v1/tracks?limit=10").bearer_auth(token);
        let page = crate::harness::send(request).await.json();
        let items = page["items"].as_array().cloned().unwrap_or_default();
        ids = items.iter().filter_map(|track| track["id"].as_str()?.parse().ok()).collect();
        ids.len() == 10
    })
    .await;
    ids
}

/// Sends a command and returns the answer: the revision or the reject code.
async fn answered(socket: &mut Socket, command: Command<MediaId>) -> Result<u64, RejectCode> {
    let wanted = command.id;
    socket.send(&ClientMessage::Command(Box::new(command))).await;
    loop {
        match socket.next().await.expect("the socket is open") {
            ServerMessage::Ack { id, revision, .. } if id == wanted => return Ok(revision),
            ServerMessage::Reject { id, code, .. } if id == wanted => return Err(code),
            _ => {}
        }
    }
}

fn new_command(id: u64, op: Op<MediaId>) -> Command<MediaId> {
    Command { id: CommandId(id), if_item: None, if_queue_revision: None, if_lease: None, op }
}

fn play(tracks: &[MediaId]) -> Op<MediaId> {
    Op::Play { item: None, tracks: tracks.to_vec(), start: None, position_ms: None, on: None }
}

/// The playback that a device receives when it joins now.
async fn shown(server: &Server, token: &str, device: u64) -> (Socket, Playback) {
    let (socket, welcome) = Socket::join(server, token, device).await;
    (socket, welcome.playback)
}

fn stamp(playback: &Playback) -> (u64, u64) {
    (playback.epoch, playback.revision)
}

fn item(playback: &Playback) -> (ItemId, MediaId) {
    let item = playback.item.as_ref().expect("something is on");
    (item.id, item.media_id)
}

on_both_databases! {
    async fn devices_accept_the_restored_state_and_lost_changes_do_not_return(database) {
        let mut server = Server::start_with(&database, &["--music", MUSIC]).await;
        let token = server.user(&database, "anna").await.token;
        let tracks = tracks(&server, &token).await;
        let (mut phone, _) = shown(&server, &token, 1).await;
        answered(&mut phone, new_command(1, play(&tracks[..3]))).await.expect("accepted");
        answered(&mut phone, new_command(2, Op::Pause)).await.expect("accepted");
        let (_tablet, old) = shown(&server, &token, 2).await;

        for table in TABLES {
            sql(&database, &format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}"));
        }
        // Two restarts of the server after the copy: each increases the epoch.
        for _ in 0..2 {
            server.signal("KILL");
            server.wait();
            server = Server::start(&database).await;
            drop(shown(&server, &token, 1).await);
        }
        let (mut phone, _) = shown(&server, &token, 1).await;
        answered(&mut phone, new_command(10, Op::Stop)).await.expect("accepted");
        answered(&mut phone, new_command(3, play(&tracks[5..8]))).await.expect("accepted");
        answered(&mut phone, new_command(4, Op::Seek { position_ms: 20_000 })).await.expect("accepted");
        answered(&mut phone, new_command(5, Op::Repeat { mode: Repeat::All })).await.expect("accepted");
        let (_desk, lost) = shown(&server, &token, 3).await;
        assert!(stamp(&lost) > stamp(&old));
        assert_ne!(item(&lost).1, item(&old).1);
        let lost_lease: Stamp = lost.active.expect("the phone is active").lease;

        server.signal("KILL");
        server.wait();
        for table in TABLES {
            sql(
                &database,
                &format!(
                    "DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}; DROP TABLE kept_{table}"
                ),
            );
        }
        let server = Server::start(&database).await;
        let (mut phone, back) = shown(&server, &token, 1).await;
        assert!(back.epoch > lost.epoch, "{:?} is newer than {:?} to every device", stamp(&back), stamp(&lost));
        assert_eq!((item(&back), back.repeat), (item(&old), old.repeat), "and it is the older state");

        // A report and commands of the phone that refer to the lost state.
        let report = Report {
            lease: lost_lease,
            turn: lost.turn,
            item: item(&lost).0,
            position_ms: 33_000,
            at_us: back.at_us,
            status: Sound::Playing,
            seen: None,
        };
        phone.send(&ClientMessage::Report(report)).await;
        let next = Command { if_item: Some(item(&lost).0), ..new_command(6, Op::Next) };
        assert!(answered(&mut phone, next).await.is_err(), "the item of the lost hour is not on");
        let other = Command { if_queue_revision: Some(lost.queue_revision), ..new_command(7, Op::Shuffle { on: true }) };
        assert!(answered(&mut phone, other).await.is_err(), "its queue is not there");
        let under = Command { if_lease: Some(lost_lease), ..new_command(8, Op::Seek { position_ms: 1 }) };
        assert!(answered(&mut phone, under).await.is_err(), "its lease is not given");
        let (_garden, after) = shown(&server, &token, 4).await;
        assert_eq!((item(&after), after.position_ms, after.repeat), (item(&old), old.position_ms, old.repeat));
        // An acknowledged command that was lost by the restore is applied once when it is sent again.
        answered(&mut phone, new_command(5, Op::Repeat { mode: Repeat::All })).await.expect("accepted");
        let again = answered(&mut phone, new_command(5, Op::Repeat { mode: Repeat::All })).await.expect("accepted");
        let (_attic, finally) = shown(&server, &token, 5).await;
        assert_eq!(finally.repeat, Repeat::All);
        assert!(again <= finally.revision);
        phone.send(&command(9, Op::Stop)).await;
    }
}
