//! A running device: events go into the client's rules as inputs, and their outputs are carried out.

use super::{
    Found, Happening, Options, Trouble,
    api::Api,
    audio::{Order, Player},
    catalogue::Catalogue,
    commands::{self, Meaning},
    download::KnownHashes,
    events::AudioEvent,
    front::Front,
    happening::{FromAudio, FromSocket},
    memory::{Kept, Memory},
    newest::Newest,
    request::Request,
    socket::DeviceSocket,
    surroundings::{self, Change, Surroundings},
    view::View,
};
use segue_client::protocol::{
    device::HelloDevice,
    ids::CommandId,
    messages::ByeReason,
    playback::{Item, Rate},
    wire::ServerMessage,
};
use segue_client::{Driver, Input, Output};
use std::{collections::VecDeque, time::Duration};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

/// How many happenings may wait in the channel.
const WAITING: usize = 256;
/// Time between two samples of the position.
const SAMPLE: Duration = Duration::from_millis(100);
/// How long the device waits for the server to close the connection after `bye`.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);
/// How many commands are remembered as text until they are answered.
const WORDS: usize = 32;

/// A device that runs.
pub(super) struct RunningDevice {
    driver: Driver,
    api: Api,
    known: KnownHashes,
    memory: Memory,
    catalogue: Catalogue,
    front: Front,
    happenings: mpsc::Sender<Happening>,
    inbox: mpsc::Receiver<Happening>,
    signals: [Signal; 3],
    socket: Option<DeviceSocket>,
    player: Option<Player>,
    /// Numbers sockets and players, so that events of earlier ones are not taken for those of the current one.
    counter: u64,
    /// The text of commands that wait for an answer.
    words: VecDeque<(CommandId, String)>,
    /// The search for what is typed now.
    looking: Newest,
    link_reason: String,
    audio_reason: Option<String>,
    /// Set when the device ends.
    end: Option<Result<(), Trouble>>,
}

impl RunningDevice {
    pub(super) fn new(options: &Options, device: HelloDevice, memory: Memory, api: Api) -> Result<Self, Trouble> {
        let (happenings, inbox) = mpsc::channel(WAITING);
        let listen = |kind| signal(kind).map_err(|error| Trouble::new(format!("no signals can be had: {error}")));
        let signals =
            [listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?, listen(SignalKind::hangup())?];
        let front = Front::open(options, &happenings)?;
        Ok(Self {
            driver: Driver::new(device, Some(api.token().to_owned())),
            api,
            known: KnownHashes::default(),
            memory,
            catalogue: Catalogue::default(),
            front,
            happenings,
            inbox,
            signals,
            socket: None,
            player: None,
            counter: 0,
            words: VecDeque::new(),
            looking: Newest::default(),
            link_reason: "connecting".to_owned(),
            audio_reason: None,
            end: None,
        })
    }

    /// Runs until a signal, a person, a program or the server ends it.
    pub(super) async fn run(mut self) -> Result<(), Trouble> {
        let mut samples = interval(SAMPLE);
        samples.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut surroundings = Surroundings::of(self.api.server()).await;
        let mut looks = interval(surroundings::LOOK_EACH);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let wait = self.driver.wait();
            let [terminate, interrupt, hang_up] = &mut self.signals;
            tokio::select! {
                Some(happening) = self.inbox.recv() => self.happen(happening),
                () = sleep(wait) => self.go_on(),
                _ = samples.tick() => self.sample(),
                _ = looks.tick() => self.around(surroundings.look()),
                _ = terminate.recv() => self.end = Some(Ok(())),
                _ = interrupt.recv() => self.end = Some(Ok(())),
                _ = hang_up.recv() => self.end = Some(Ok(())),
            }
            if let Some(end) = self.end.take() {
                self.leave().await;
                return end;
            }
        }
    }

    /// Sends `bye`, and waits until the server has closed the connection.
    async fn leave(&mut self) {
        if self.driver.client().link().is_over() {
            return;
        }
        self.step(Input::Leave(ByeReason::Close));
        let Some(number) = self.socket.as_ref().map(DeviceSocket::number) else { return };
        let closed = async {
            while let Some(happening) = self.inbox.recv().await {
                if matches!(happening, Happening::Socket(closed, FromSocket::Closed(..)) if closed == number) {
                    return;
                }
            }
        };
        // If the server does not close in time, the end of the program closes the connection.
        drop(timeout(LEAVE_WITHIN, closed).await);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Socket(number, what) if self.socket.as_ref().is_some_and(|now| now.number() == number) => {
                self.hear(what);
            }
            Happening::Audio(number, what) if self.player.as_ref().is_some_and(|now| now.number() == number) => {
                self.listen(what);
            }
            Happening::Socket(..) | Happening::Audio(..) => {}
            Happening::Asked(Ok(request)) => self.ask(request),
            Happening::Asked(Err(why)) => self.front.error(&why),
            Happening::Found(found) => self.found(found),
            Happening::FrontEnded(end) => self.end = Some(end),
        }
    }

    fn around(&mut self, change: Option<Change>) {
        let Some(change) = change else { return };
        if change == Change::Moved && self.socket.take().is_some() {
            "this machine is on another network".clone_into(&mut self.link_reason);
            self.step(Input::Closed(None));
        }
        self.step(Input::Wake);
    }

    fn hear(&mut self, what: FromSocket) {
        match what {
            FromSocket::Opened => self.step(Input::Opened),
            FromSocket::Message(message) => {
                if let ServerMessage::Goaway { code, reason, .. } = message.as_ref() {
                    self.link_reason = format!("the server says: {reason} ({code})");
                }
                self.step(Input::Frame(message));
            }
            FromSocket::Closed(code, why) => {
                self.socket = None;
                self.link_reason = why;
                self.step(Input::Closed(code));
            }
        }
    }

    fn listen(&mut self, what: FromAudio) {
        let Some(item) = self.player.as_ref().map(Player::item) else { return };
        match what {
            FromAudio::Started(position_ms) => self.step(Input::Started { item, position_ms }),
            FromAudio::Prepared => self.step(Input::Prepared(item.id)),
            FromAudio::Stalled => self.step(Input::Stalled),
            FromAudio::Failed(why) => {
                self.player = None;
                self.front.error(&format!("track {}: {why}", item.media_id));
                self.audio_reason = Some(why);
                self.step(Input::Failed);
            }
            FromAudio::Finished => self.step(Input::Finished),
            FromAudio::Loaded(loaded) => {
                let Item { id, media_id, .. } = item;
                let (bytes, sha256, verified) = (loaded.bytes, loaded.sha256.to_string(), loaded.verified);
                let audio = AudioEvent::Loaded { item: id, media_id, bytes, sha256, verified };
                self.front.loaded(self.driver.client().time().at(self.driver.now_us()), audio);
            }
        }
    }

    fn ask(&mut self, request: Request) {
        let words = request.to_string();
        let local_us = self.driver.now_us();
        match commands::meaning(request, self.driver.client(), local_us, &self.api, &self.happenings) {
            Ok(Meaning::Input(input)) => self.give(words, input),
            Ok(Meaning::LookUp) => {}
            Ok(Meaning::Typed(words)) => {
                self.looking.start(commands::look_for(words, self.api.clone(), self.happenings.clone()));
            }
            Ok(Meaning::Quit) => self.end = Some(Ok(())),
            Err(why) => self.front.error(&why),
        }
    }

    fn give(&mut self, words: String, input: Input) {
        if let Input::Command(id, _) = &input {
            if self.words.len() == WORDS {
                self.words.pop_front();
            }
            self.words.push_back((*id, words));
        }
        self.step(input);
    }

    fn found(&mut self, found: Found) {
        match found {
            Found::ToPlay(words, Ok((tracks, start))) => {
                self.give(words, commands::command(commands::play(tracks, start)));
            }
            Found::ToPlay(_, Err(why)) | Found::Hits(_, Err(why)) => self.front.error(&why),
            Found::Hits(words, Ok(hits)) => self.front.hits(words, hits),
            Found::Track(id, track) => {
                self.catalogue.learn(id, track);
                self.show();
            }
        }
    }

    /// Gives an input to the rules and carries out their outputs.
    fn step(&mut self, input: Input) {
        self.driver.input(input);
        self.go_on();
    }

    fn go_on(&mut self) {
        while let Some(output) = self.driver.output() {
            self.carry_out(output);
        }
        self.show();
    }

    /// Carries out an output of the rules.
    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Connect => {
                self.counter += 1;
                self.socket = Some(DeviceSocket::open(self.counter, &self.api, self.happenings.clone()));
            }
            Output::Disconnect => {
                self.socket = None;
                "nothing was heard of the server".clone_into(&mut self.link_reason);
            }
            Output::Send(message) => {
                let is_stuck = self.socket.as_ref().is_some_and(|socket| socket.send(&message).is_err());
                if is_stuck {
                    self.socket = None;
                    "the server does not take what is sent to it".clone_into(&mut self.link_reason);
                    self.driver.input(Input::Closed(None));
                }
            }
            Output::Sound(item, position_ms) => {
                self.audio_reason = None;
                if !self.player.as_mut().is_some_and(|player| player.go(item, position_ms)) {
                    self.play(item, position_ms, false);
                }
            }
            Output::Prepare(item, position_ms) => self.play(item, position_ms, true),
            Output::Silence => self.player = None,
            Output::Answered(id, answer) => {
                let words = self.words.iter().find(|(known, _)| *known == id).map(|(_, words)| words.clone());
                self.words.retain(|(known, _)| *known != id);
                self.front.answered(id, words.unwrap_or_default(), answer);
            }
            Output::Queue(page) => self.front.queue(&page),
            Output::Volume(_) | Output::Show => self.remember(),
            Output::GiveUp(code, why) => {
                self.front.over(&why);
                self.end = Some(Err(Trouble::new(format!("{}: {why} ({code})", self.api.server()))));
            }
        }
    }

    fn play(&mut self, item: Item, position_ms: i64, waits: bool) {
        self.counter += 1;
        let rate = self.driver.client().playback().map_or(Rate::NORMAL, |shown| shown.rate);
        let order = Order { number: self.counter, item, position_ms, rate, waits };
        self.player = Some(Player::start(order, &self.api, &self.known, self.happenings.clone()));
    }

    /// Stores the id that the server gave, and the volume.
    fn remember(&mut self) {
        let volume = self.driver.client().volume();
        let kept = self.driver.client().device_id().map(|device_id| Kept { device_id, volume });
        let kept = kept.map_or(Ok(()), |kept| self.memory.keep(kept));
        if let Err(trouble) = kept {
            self.front.error(&trouble.to_string());
        }
    }

    fn show(&mut self) {
        let names = self.front.names_tracks();
        let shown = self.driver.client().playback().filter(|_| names);
        let items = shown.map_or([None, None], |shown| [shown.item, shown.next]);
        let tracks = items.map(|item| self.catalogue.track(item?.media_id, &self.api, &self.happenings));
        let view = View {
            client: self.driver.client(),
            local_us: self.driver.now_us(),
            link_reason: &self.link_reason,
            audio_reason: self.audio_reason.as_deref(),
            tracks,
        };
        self.front.show(&view);
    }

    fn sample(&self) {
        let (client, local_us) = (self.driver.client(), self.driver.now_us());
        let (link_reason, audio_reason, tracks) = (self.link_reason.as_str(), None, [None, None]);
        self.front.sample(&View { client, local_us, link_reason, audio_reason, tracks });
    }
}
