//! Commands and faults at random: clients in another language (`client.py`) and a `segue device` of one user, while
//! connections break, the device is killed, and server and PostgreSQL are killed and frozen. After each round of faults
//! everything runs again, and then all show the same, one device sounds, and nothing that was acknowledged is lost.
//!
//! `SEGUE_CHAOS_SECONDS` says how long the rounds last together for each database, `SEGUE_CHAOS_SEED` which faults they
//! have. Each round has at least [`STEPS`] steps.

use super::{client_at, start, tell, with_music};
use crate::{
    harness::{Cluster, Device, Dialect, Server, TestDatabase, run, until},
    house::{kind, say},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio::time::{Interval, interval};

/// Steps of a round: each is a command or a fault.
const STEPS: usize = 60;
/// Time between two steps, and the unit in which outages last.
const TICK: Duration = Duration::from_millis(100);
/// The longest outage, in ticks.
const LONGEST: usize = 30;
/// A client keeps at most 16 commands that wait for an answer; it is told no more than this.
const MOST_WAITING: usize = 12;

/// A client in Python, and what it was told.
struct Foreign {
    name: &'static str,
    id: String,
    state: PathBuf,
    process: Device,
    commands: usize,
    /// Relative steps of a volume that it was told to send, by the index of the client whose volume it is.
    steps: [usize; 3],
}

impl Foreign {
    async fn start(server: &Server, database: &TestDatabase, name: &'static str) -> Self {
        let state = database.folder.path().join(format!("{name}.json"));
        let mut process = Device::spawn(&mut client_at(server, name, &state));
        let welcome = process.event("welcome", |_| true).await;
        let id = welcome["device_id"].as_str().expect("an id").to_owned();
        Self { name, id, state, process, commands: 0, steps: [0; 3] }
    }

    fn command(&mut self, said: &Value) {
        self.commands += 1;
        tell(&mut self.process, said);
    }

    /// What it printed of this kind.
    fn events(&self, wanted: &str) -> Vec<Value> {
        self.process.printed().into_iter().map(|line| line.event).filter(|event| kind(event) == wanted).collect()
    }

    fn waiting(&self) -> usize {
        self.commands - self.events("answered").len()
    }

    /// Its volume, as it keeps it for itself.
    fn volume(&self) -> Option<Value> {
        let kept: Value = serde_json::from_slice(&fs::read(&self.state).ok()?).ok()?;
        Some(kept["volume"].clone())
    }

    fn is_sounding(&self) -> bool {
        let sound = |event: &Value| matches!(kind(event), "sounds" | "silent");
        self.process.printed().iter().rfind(|line| sound(&line.event)).is_some_and(|line| kind(&line.event) == "sounds")
    }

    fn is_welcomed(&self) -> bool {
        let link = |event: &Value| matches!(kind(event), "welcome" | "closed");
        self.process.printed().iter().rfind(|line| link(&line.event)).is_some_and(|line| kind(&line.event) == "welcome")
    }

    /// The newest playback, and the names, presence and volumes of the newest list, that it was shown.
    fn shown(&self) -> Option<(Value, Value)> {
        let playback = self.events("playback").pop()?;
        let shown = json!([playback["stamp"], playback["intent"], playback["media_id"], playback["active"]]);
        let list = self.events("devices").pop()?;
        let listed = list["devices"].as_array()?.iter();
        let listed = listed.map(|device| json!([device["name"], device["presence"], device["volume"]])).collect();
        Some((shown, listed))
    }
}

struct Chaos {
    database: TestDatabase,
    cluster: Option<Cluster>,
    server: Server,
    tracks: Vec<String>,
    clients: Vec<Foreign>,
    /// A `segue device`, which is killed again and again and commands nothing.
    kitchen: Device,
    random: StdRng,
    ticks: Interval,
}

impl Chaos {
    async fn begin(dialect: Dialect, seed: u64) -> Self {
        let cluster = (dialect == Dialect::Postgres).then(|| Cluster::start(&[]));
        let database = match &cluster {
            None => TestDatabase::new(dialect),
            Some(cluster) => {
                let folder = tempfile::tempdir().expect("a temp folder");
                TestDatabase { dialect, url: cluster.url("postgres"), folder }
            }
        };
        let (server, tracks) = with_music(&database).await;
        let mut clients = Vec::new();
        for name in ["Attic", "Bath", "Cellar"] {
            clients.push(Foreign::start(&server, &database, name).await);
        }
        let kitchen = kitchen(&server, &database).await;
        let (random, ticks) = (StdRng::seed_from_u64(seed), interval(TICK));
        let mut chaos = Self { database, cluster, server, tracks, clients, kitchen, random, ticks };
        let all = json!({"op": "repeat", "mode": "all"});
        let play = json!({"op": "play", "tracks": chaos.tracks});
        chaos.clients[0].command(&all);
        chaos.clients[0].command(&play);
        chaos.rest().await;
        chaos
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random.random_range(0..bound)
    }

    /// Lets a client command something.
    fn command(&mut self) {
        let (sender, other) = (self.below(self.clients.len()), self.below(self.clients.len()));
        if self.clients[sender].waiting() >= MOST_WAITING {
            return;
        }
        let id = self.clients[other].id.clone();
        let said = match self.below(11) {
            0 => json!({"op": "pause"}),
            1 | 2 => json!({"op": "play"}),
            3 => json!({"op": "next"}),
            4 => json!({"op": "seek", "position_ms": self.below(150_000)}),
            5 | 6 => json!({"op": "transfer", "to": id}),
            7 | 8 => json!({"op": "queue.insert", "tracks": [self.tracks[0]]}),
            // The level stays away from its ends.
            _ => {
                let steps = &mut self.clients[sender].steps[other];
                *steps += 1;
                json!({"op": "volume", "device_id": id, "delta": if steps.is_multiple_of(2) { 1 } else { -1 }})
            }
        };
        self.clients[sender].command(&said);
    }

    /// Time passes, and commands are given meanwhile.
    async fn wait(&mut self, ticks: usize) {
        for _ in 0..ticks {
            self.ticks.tick().await;
            self.command();
        }
    }

    /// The server is started again, on its address.
    async fn restart(&mut self) {
        self.server.wait();
        let address = self.server.base.trim_start_matches("http://").to_owned();
        self.server = start(&self.database, &address).await;
    }

    /// A command, or one of the faults.
    async fn step(&mut self) {
        let ticks = self.below(LONGEST);
        match self.below(40) {
            0 => {
                self.server.signal("KILL");
                self.restart().await;
            }
            1 => {
                self.server.signal("TERM");
                self.restart().await;
            }
            2 => {
                self.server.signal("STOP");
                self.wait(ticks).await;
                self.server.signal("CONT");
            }
            3 | 4 if self.cluster.is_some() => {
                self.cluster.as_mut().expect("it was seen").crash();
                self.wait(ticks).await;
                self.cluster.as_mut().expect("it was seen").recover();
            }
            5 | 6 if self.cluster.is_some() => {
                self.cluster.as_mut().expect("it was seen").freeze();
                self.wait(ticks).await;
                self.cluster.as_mut().expect("it was seen").thaw();
            }
            7..=10 => {
                let cut = self.below(self.clients.len());
                tell(&mut self.clients[cut].process, &json!({"do": "cut"}));
            }
            11 => {
                self.kitchen.signal("KILL");
                self.kitchen.end().await;
                self.wait(ticks).await;
                self.kitchen = kitchen(&self.server, &self.database).await;
            }
            12 => {
                let (turned, level) = (self.below(self.clients.len()), 40 + self.below(20));
                tell(&mut self.clients[turned].process, &json!({"do": "volume", "level": level}));
            }
            _ => self.command(),
        }
        self.ticks.tick().await;
    }

    /// Waits until all commands are answered and all show the same, as it is; then looks for what was lost.
    async fn rest(&mut self) {
        let clients = &self.clients;
        until("all commands are answered", async || {
            clients.iter().all(|client| client.is_welcomed() && client.waiting() == 0)
        })
        .await;
        let mut last = Value::Null;
        until("all show the same, as it is", async || {
            let shown: Vec<_> = clients.iter().map(Foreign::shown).collect();
            last = json!(shown);
            let Some(Some((playback, devices))) = shown.first() else { return false };
            let is_same = shown.iter().all(|other| other.as_ref() == shown[0].as_ref());
            let own = |client: &Foreign| json!([client.name, "online", client.volume()]);
            let is_own = |entry: &Value| clients.iter().any(|client| *entry == own(client));
            let entries = devices.as_array().expect("a list");
            let is_listed = entries.len() == 4 && entries.iter().filter(|entry| is_own(entry)).count() == 3;
            let sounding = clients.iter().filter(|client| client.is_sounding());
            let sounding: Vec<_> = sounding.map(|client| client.id.as_str()).collect();
            let wanted = clients.iter().map(|client| client.id.as_str());
            let wanted: Vec<_> = wanted.filter(|id| playback[1] == "play" && playback[3] == **id).collect();
            is_same && is_listed && sounding == wanted
        })
        .await;
        let acknowledged = |of: &dyn Fn(&Value) -> bool| {
            let answered = self.clients.iter().flat_map(|sender| sender.events("answered"));
            answered.filter(|event| of(event) && event["revision"].is_u64()).count()
        };
        // A volume that the database has lost may come back from its device; the queue is kept by the server alone.
        let inserted = acknowledged(&|event| event["op"] == "queue.insert");
        let shown = self.clients[0].events("playback").pop().expect("something is shown");
        assert_eq!(shown["queue_length"], self.tracks.len() + inserted, "each entry that was acknowledged: {shown}");
        for (index, client) in self.clients.iter().enumerate() {
            let is_step = |event: &Value| event["op"] == "volume" && event["device_id"] == *client.id;
            let acknowledged = acknowledged(&is_step);
            let sent: usize = self.clients.iter().map(|sender| sender.steps[index]).sum();
            let version = client.volume().and_then(|volume| volume["version"].as_u64()).expect("it keeps its volume");
            assert_eq!(usize::try_from(version), Ok(acknowledged), "of {sent} steps, for {}: {last}", client.name);
        }
    }
}

/// A `segue device` that has joined. It ends where the server or its database cannot be reached at its first log-in, and
/// is started again then.
async fn kitchen(server: &Server, database: &TestDatabase) -> Device {
    for _ in 0..100 {
        let device = Device::start(server, database, "anna", "Kitchen");
        let mut seen = 0;
        while device.more_than(seen).await {
            seen = device.mark();
            if device.printed().iter().any(|line| kind(&line.event) == "welcome") {
                return device;
            }
        }
    }
    panic!("no device could join");
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn storm(dialect: Dialect) {
    run(async move {
        let seconds = Duration::from_secs(number("SEGUE_CHAOS_SECONDS", 1));
        let seed = number("SEGUE_CHAOS_SEED", rand::random());
        say(&format!("SEGUE_CHAOS_SEED={seed}"));
        let begun = Instant::now();
        let mut chaos = Chaos::begin(dialect, seed).await;
        let mut rounds = 0;
        while begun.elapsed() < seconds || rounds == 0 {
            for _ in 0..STEPS {
                chaos.step().await;
            }
            chaos.rest().await;
            rounds += 1;
        }
        let commands: usize = chaos.clients.iter().map(|client| client.commands).sum();
        say(&format!("{rounds} rounds, {commands} commands in {:.0} s", begun.elapsed().as_secs_f64()));
    });
}

#[test]
fn nothing_acknowledged_is_lost_and_all_agree_after_faults_with_sqlite() {
    storm(Dialect::Sqlite);
}

#[test]
fn nothing_acknowledged_is_lost_and_all_agree_after_faults_with_postgres() {
    storm(Dialect::Postgres);
}
