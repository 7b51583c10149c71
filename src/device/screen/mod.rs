//! The screen: a thread that draws and reads keys, so that a terminal that blocks delays nothing else.

mod draw;
mod keys;
mod model;
#[cfg(test)]
mod tests;

use super::{Happening, Options, Trouble, api::ShownTrack, view::View};
use crossterm::event::{self, Event, KeyEventKind};
use keys::KeyState;
use model::{Model, Notice};
use ratatui::DefaultTerminal;
use std::{
    io, panic,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::mpsc::Sender;

/// Time between two frames while the position moves.
const FRAME: Duration = Duration::from_millis(50);
/// Time between two frames while nothing moves.
const STILL: Duration = Duration::from_millis(200);
/// How long the end of the screen's thread is waited for.
const STOP_WITHIN: Duration = Duration::from_secs(1);

/// The terminal as a screen; dropping this restores the terminal.
pub(super) struct Screen {
    model: Arc<Mutex<Model>>,
    over: Arc<AtomicBool>,
    done: Receiver<()>,
}

impl Screen {
    /// Takes over the terminal.
    pub(super) fn open(options: &Options, happenings: Sender<Happening>) -> Result<Self, Trouble> {
        let terminal =
            ratatui::try_init().map_err(|error| Trouble::new(format!("the terminal cannot be drawn on: {error}")))?;
        let over = Arc::new(AtomicBool::new(false));
        let (earlier, is_over) = (panic::take_hook(), Arc::clone(&over));
        // The earlier hook restores the terminal and prints the panic; nothing may be drawn over that.
        panic::set_hook(Box::new(move |info| {
            is_over.store(true, Ordering::SeqCst);
            earlier(info);
        }));
        let model = Arc::new(Mutex::new(Model::new(options)));
        let (stopped, done) = sync_channel(1);
        let (shown, is_over) = (Arc::clone(&model), Arc::clone(&over));
        thread::spawn(move || {
            let end = live(terminal, &shown, &is_over, &happenings);
            let end = end.map_err(|error| Trouble::new(format!("the terminal broke: {error}")));
            drop(happenings.blocking_send(Happening::FrontEnded(end)));
            told(&stopped);
        });
        Ok(Self { model, over, done })
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        locked(&self.model)
    }

    /// Takes over what may have changed.
    pub(super) fn show(&self, view: &View<'_>) {
        self.model().learn(view);
    }

    /// Shows a line of text to the person.
    pub(super) fn notice(&self, text: String) {
        self.model().notice = Some(Notice { text, since: Instant::now() });
    }

    /// Shows the hits for what was typed.
    pub(super) fn hits(&self, words: String, hits: Vec<ShownTrack>) {
        self.model().hits = Some((words, hits));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // If the terminal blocks, it is restored without the last frame.
        let _ = self.done.recv_timeout(STOP_WITHIN);
        ratatui::restore();
    }
}

fn told(stopped: &SyncSender<()>) {
    // Nobody waits for this unless the screen is being dropped.
    let _ = stopped.try_send(());
}

fn locked(model: &Mutex<Model>) -> MutexGuard<'_, Model> {
    model.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Draws and reads keys until `over` is set.
fn live(
    mut terminal: DefaultTerminal,
    model: &Mutex<Model>,
    over: &AtomicBool,
    happenings: &Sender<Happening>,
) -> io::Result<()> {
    let mut keys = KeyState::default();
    while !over.load(Ordering::SeqCst) {
        let shown = locked(model).clone();
        terminal.draw(|frame| draw::draw(frame, &shown, &keys, Instant::now()))?;
        if !event::poll(if shown.moves() { FRAME } else { STILL })? {
            continue;
        }
        if let Event::Key(key) = event::read()?
            && key.kind != KeyEventKind::Release
            && let Some(request) = keys.press(key, &shown)
            && happenings.blocking_send(Happening::Asked(Ok(request))).is_err()
        {
            return Ok(());
        }
    }
    Ok(())
}
