//! The server is killed at each step of a change: between its arrival, its commit, its fan-out and its ack, and between
//! the fan-out and the write of a report.

use super::socket::{Socket, command, play, report, shown, track, with_music};
use crate::harness::{Dialect, Server, TestDatabase};
use diesel::{RunQueryDsl as _, sql_query};
use segue::db;
use segue_client::protocol::{
    ids::{CommandId, DeviceId, Stamp, UserId},
    messages::Op,
    playback::{Playback, Status},
    wire::{ClientMessage, ServerMessage, Welcome},
};
use std::{
    sync::mpsc::{Sender, channel},
    thread::{self, JoinHandle},
};

/// The volume command number `id`. Each application increases the version of the volume, so the version counts them.
fn volume(id: u64) -> ClientMessage {
    let level = u8::try_from(id % 100).expect("below 100");
    command(id, Op::Volume { device_id: Some(DeviceId(1)), level: Some(level), delta: None, muted: None })
}

/// The same as a relative step, which a later command cannot replace.
fn louder(id: u64) -> ClientMessage {
    if id == 0 {
        return volume(0);
    }
    command(id, Op::Volume { device_id: Some(DeviceId(1)), level: None, delta: Some(1), muted: None })
}

/// How many volume commands were applied to the first device.
fn applied(welcome: &Welcome) -> u64 {
    let volume = welcome.devices.devices.first().and_then(|device| device.volume);
    volume.map_or(0, |volume| volume.version)
}

/// Waits for the ack of a command; returns its revision.
async fn acked(socket: &mut Socket, wanted: u64) -> u64 {
    let ack = |message| match message {
        ServerMessage::Ack { id, revision, .. } if id == CommandId(wanted) => Some(revision),
        ServerMessage::Reject { id, message, .. } => panic!("{id:?} was rejected: {message}"),
        _ => None,
    };
    socket.find(ack).await
}

/// Kills the server and starts it again with the same database.
pub(super) async fn restart(mut server: Server, database: &TestDatabase) -> Server {
    server.signal("KILL");
    server.wait();
    Server::start(database).await
}

/// A lock in the database that blocks all commits of sessions until it is released.
struct Lock {
    release: Sender<()>,
    holder: JoinHandle<()>,
}

impl Lock {
    fn take(database: &TestDatabase) -> Self {
        let (db, dialect) = (database.open(), database.dialect);
        let ((release, released), (taken, is_taken)) = (channel(), channel());
        let holder = thread::spawn(move || {
            let hold = |connection: &mut db::DbConnection| {
                // In SQLite any write transaction blocks all others.
                if dialect == Dialect::Postgres {
                    sql_query("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE").execute(connection)?;
                }
                taken.send(()).expect("the test waits");
                released.recv().expect("the test lets go");
                Ok(())
            };
            db.write_blocking(hold).expect("the lock is free");
        });
        is_taken.recv().expect("the lock is taken");
        Self { release, holder }
    }

    fn let_go(self) {
        self.release.send(()).expect("it is held");
        self.holder.join().expect("the holder ends");
    }
}

/// The record in the database.
fn stored(database: &db::Db, user: UserId) -> Option<String> {
    let records = database.read_blocking(|connection| db::sessions::records(connection, &[user]));
    records.expect("the database answers").pop().map(|(_, record)| record)
}

on_both_databases! {
    /// Commands are sent while the server is killed repeatedly; each is resent until it is answered. Each application
    /// increases the version of the volume, so the version counts them.
    async fn a_killed_server_has_lost_no_acknowledged_command_and_applied_none_twice(database) {
        const ROUNDS: u64 = 8;
        const EACH: u64 = 12;
        let mut server = Server::start(&database).await;
        let token = server.user(&database, "anna").await.token;
        let mut unanswered: Vec<u64> = Vec::new();
        let mut acknowledged = 0;
        for round in 0..=ROUNDS {
            let (mut socket, welcome) = Socket::join(&server, &token, 1).await;
            let stand = applied(&welcome);
            assert!(stand >= acknowledged, "{acknowledged} were acknowledged and {stand} stand in the database");
            if round < ROUNDS {
                unanswered.extend(round * EACH..(round + 1) * EACH);
            }
            for id in &unanswered {
                socket.send(&louder(*id)).await;
            }
            let wanted = if round < ROUNDS { (round * 5) % EACH } else { u64::MAX };
            let mut answered = 0;
            while answered < wanted && !unanswered.is_empty() {
                if let ServerMessage::Ack { id, .. } = socket.next().await.expect("the server is up") {
                    unanswered.retain(|waiting| *waiting != id.0);
                    acknowledged += 1;
                    answered += 1;
                }
            }
            if round < ROUNDS {
                server = restart(server, &database).await;
            }
        }
        assert_eq!(acknowledged, ROUNDS * EACH);
        let (_socket, welcome) = Socket::join(&server, &token, 1).await;
        let volume = welcome.devices.devices.first().and_then(|device| device.volume).expect("it was set");
        assert_eq!(volume.version, ROUNDS * EACH, "each command was applied once");
        assert_eq!(u64::from(volume.level), ROUNDS * EACH - 1, "and nothing else was");
    }

    async fn a_command_is_applied_once_when_resent_after_a_kill_before_the_commit(database) {
        let server = Server::start(&database).await;
        let token = server.user(&database, "anna").await.token;
        let (mut socket, _) = Socket::join(&server, &token, 1).await;
        let lock = Lock::take(&database);
        socket.send(&volume(1)).await;
        // Frames are processed in order: when this one is answered, the command has arrived.
        socket.send(&ClientMessage::Time { client_us: 7 }).await;
        let probe = |message| match message {
            ServerMessage::Ack { .. } => panic!("acknowledged before the commit"),
            ServerMessage::Time { client_us: 7, .. } => Some(()),
            _ => None,
        };
        socket.find(probe).await;
        let mut dying = server;
        dying.signal("KILL");
        dying.wait();
        lock.let_go();
        let server = Server::start(&database).await;
        let (mut socket, welcome) = Socket::join(&server, &token, 1).await;
        match database.dialect {
            Dialect::Sqlite => assert_eq!(applied(&welcome), 0),
            // PostgreSQL had received the statement, and may execute it although its client is dead.
            Dialect::Postgres => assert!(applied(&welcome) <= 1),
        }
        socket.send(&volume(1)).await;
        acked(&mut socket, 1).await;
        assert_eq!(applied(&Socket::join(&server, &token, 2).await.1), 1);
    }

    async fn a_command_is_answered_when_resent_after_a_kill_between_commit_and_ack(database) {
        let server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        let user: UserId = login.get("/v1/me").await.json()["id"].as_str().expect("an id").parse().expect("an id");
        let token = login.token.clone();
        let (mut socket, _) = Socket::join(&server, &token, 1).await;
        socket.send(&volume(1)).await;
        acked(&mut socket, 1).await;
        let db = database.open();
        let before = stored(&db, user);
        socket.send(&volume(2)).await;
        while stored(&db, user) == before {
            thread::yield_now();
        }
        let server = restart(server, &database).await;
        let (mut socket, welcome) = Socket::join(&server, &token, 1).await;
        assert_eq!(applied(&welcome), 2, "what the database has is not lost");
        socket.send(&volume(2)).await;
        let revision = acked(&mut socket, 2).await;
        assert!(revision < welcome.playback.revision, "it is answered, not applied again");
        assert_eq!(applied(&Socket::join(&server, &token, 2).await.1), 2);
    }

    async fn t37_a_command_is_answered_on_a_new_socket_when_the_old_one_failed_before_the_ack(database) {
        let server = Server::start(&database).await;
        let token = server.user(&database, "anna").await.token;
        let (mut hand, _) = Socket::join(&server, &token, 1).await;
        let (mut eye, _) = Socket::join(&server, &token, 2).await;
        hand.send(&volume(1)).await;
        acked(&mut hand, 1).await;
        hand.send(&louder(2)).await;
        let is_louder = |message| match message {
            ServerMessage::Devices(list) => list.devices[0].volume.is_some_and(|volume| volume.version == 2).then_some(()),
            _ => None,
        };
        eye.find(is_louder).await;
        // It has not read any of its messages.
        drop(hand);
        let (mut hand, welcome) = Socket::join(&server, &token, 1).await;
        assert_eq!(applied(&welcome), 2);
        hand.send(&louder(2)).await;
        let revision = acked(&mut hand, 2).await;
        assert!(revision < welcome.devices.devices_revision, "it is answered, not applied again");
        assert_eq!(applied(&Socket::join(&server, &token, 3).await.1), 2);
    }

    async fn a_command_is_kept_after_a_kill_between_fan_out_and_ack(database) {
        let server = Server::start(&database).await;
        let token = server.user(&database, "anna").await.token;
        let (mut socket, _) = Socket::join(&server, &token, 1).await;
        let (mut other, _) = Socket::join(&server, &token, 2).await;
        socket.send(&volume(1)).await;
        let shown = |message| match message {
            ServerMessage::Devices(list) => list.devices.iter().any(|device| device.volume.is_some()).then_some(list),
            _ => None,
        };
        let list = other.find(shown).await;
        let server = restart(server, &database).await;
        let (mut socket, welcome) = Socket::join(&server, &token, 1).await;
        let newer = (welcome.devices.epoch, welcome.devices.devices_revision) > (list.epoch, list.devices_revision);
        assert!(newer, "what the others saw is older than what they see now");
        assert_eq!(applied(&welcome), 1);
        socket.send(&volume(1)).await;
        acked(&mut socket, 1).await;
        assert_eq!(applied(&Socket::join(&server, &token, 2).await.1), 1);
    }

    /// A report may be shown before it is written. When the server is killed in between, the restarted server has an
    /// older position under a newer epoch, and the next report of the playing device corrects it.
    async fn a_report_is_repeated_after_a_kill_between_its_fan_out_and_its_write(database) {
        let server = with_music(&database).await;
        let login = server.user(&database, "anna").await;
        let (track, token) = (track(&login).await, login.token.clone());
        let (mut player, _) = Socket::join(&server, &token, 1).await;
        let (mut other, _) = Socket::join(&server, &token, 2).await;
        player.send(&command(1, play(track))).await;
        acked(&mut player, 1).await;
        let granted = other.find(|message| shown(message, |shown| shown.active.is_some())).await;
        player.send(&report(&granted, 0, granted.at_us)).await;
        let playing = other.find(|message| shown(message, |shown| shown.status == Status::Playing)).await;

        let lock = Lock::take(&database);
        player.send(&report(&playing, 60_000, playing.at_us)).await;
        let seen = other.find(|message| shown(message, |shown| shown.position_ms >= 60_000)).await;
        let mut dying = server;
        dying.signal("KILL");
        dying.wait();
        lock.let_go();
        let server = Server::start(&database).await;

        let (mut other, welcome) = Socket::join(&server, &token, 2).await;
        let stamp = |shown: &Playback| Stamp { epoch: shown.epoch, revision: shown.revision };
        assert!(stamp(&welcome.playback) > stamp(&seen), "an older place, in a newer epoch");
        assert!(welcome.playback.position_ms < 60_000, "the report was lost with the server");
        assert_eq!(welcome.playback.status, Status::Lost, "nothing runs before the device is back");
        let (mut player, welcome) = Socket::join(&server, &token, 1).await;
        let playback = &welcome.playback;
        assert_eq!(playback.active.as_ref().map(|active| active.device_id), Some(DeviceId(1)), "it goes on");
        player.send(&report(playback, 61_000, welcome.now_us)).await;
        let again = other.find(|message| shown(message, |shown| shown.status == Status::Playing)).await;
        assert!((61_000..62_000).contains(&again.position_ms), "{}", again.position_ms);
    }
}
