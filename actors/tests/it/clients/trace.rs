//! What happened to a client of the world, and what it wanted done, as lines of JSON.

use segue_actors::protocol::device::{HelloDevice, Volume};
use segue_client::{Input, Output};
use serde_json::{Value, json};

/// What one client went through.
#[derive(Clone)]
pub(super) struct Trace {
    pub(super) device: HelloDevice,
    /// Instant, input and outputs, each as a line of JSON.
    pub(super) steps: Vec<String>,
}

impl Trace {
    pub(super) const fn new(device: HelloDevice) -> Self {
        Self { device, steps: Vec::new() }
    }

    pub(super) fn record(&mut self, local_us: i64, input: &Input, outputs: &[Output]) {
        let input = input_of(input);
        let outputs: Vec<Value> = outputs.iter().filter_map(output_of).collect();
        self.steps.push(json!({ "local_us": local_us, "input": input, "outputs": outputs }).to_string());
    }
}

fn input_of(input: &Input) -> Value {
    match input {
        Input::Opened => json!({ "type": "opened" }),
        Input::Closed(code) => json!({ "type": "closed", "code": code }),
        Input::Frame(frame) => json!({ "type": "frame", "frame": parsed(&frame.encode()) }),
        Input::Command(id, op) => json!({ "type": "command", "id": id, "op": op }),
        Input::Started { item, position_ms } => json!({ "type": "started", "item": item, "position_ms": position_ms }),
        Input::Prepared(item) => json!({ "type": "prepared", "item": item }),
        Input::Stalled => json!({ "type": "stalled" }),
        Input::Blocked => json!({ "type": "blocked" }),
        Input::Failed => json!({ "type": "failed" }),
        Input::Finished => json!({ "type": "finished" }),
        Input::Look { from, limit } => json!({ "type": "look", "from": from, "limit": limit }),
        Input::Volume { level, muted } => json!({ "type": "volume", "level": level, "muted": muted }),
        Input::Wake => json!({ "type": "wake" }),
        Input::Leave(reason) => json!({ "type": "leave", "reason": reason }),
        Input::Tick => json!({ "type": "tick" }),
    }
}

/// What every client wants done in the same way; what a screen shows, and words for people, are its own.
fn output_of(output: &Output) -> Option<Value> {
    Some(match output {
        Output::Connect => json!({ "type": "connect" }),
        Output::Disconnect => json!({ "type": "disconnect" }),
        Output::Send(message) => json!({ "type": "send", "frame": parsed(&message.encode()) }),
        Output::Sound(item, position_ms) => json!({ "type": "sound", "item": item.id, "position_ms": position_ms }),
        Output::Prepare(item, position_ms) => json!({ "type": "prepare", "item": item.id, "position_ms": position_ms }),
        Output::Silence => json!({ "type": "silence" }),
        Output::Answered(id, Ok(revision)) => json!({ "type": "answered", "id": id, "revision": revision }),
        Output::Answered(id, Err((code, _))) => json!({ "type": "answered", "id": id, "code": code }),
        Output::Queue(page) => json!({ "type": "queue", "from": page.from, "total": page.total }),
        Output::GiveUp(code, _) => json!({ "type": "give_up", "code": code }),
        Output::Volume(Volume { level, muted, .. }) => json!({ "type": "volume", "level": level, "muted": muted }),
        Output::Show => return None,
    })
}

fn parsed(frame: &str) -> Value {
    serde_json::from_str(frame).expect("a frame is JSON")
}
