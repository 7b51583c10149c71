//! Devices on another host, behind a bad network: a network namespace for each side, and a relay between two TUN
//! devices that delays, loses or blocks packets (`relay.py`).
//!
//! A test runs itself again in a new network namespace, so that it cannot reach any other network.

mod cases;

use crate::harness::{Device, pass_environment, python, unshare};
use crate::house::House;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// This variable is set when a test runs in its own network namespace.
const INSIDE: &str = "SEGUE_TEST_NETWORK";
const RELAY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/network/relay.py");
const DEAF: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/network/deaf.py");
/// The address of the server.
const SERVER: &str = "10.77.0.1";

/// Whether this process runs in its own network namespace. If not, runs the test of that name in one and waits for it.
fn is_inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut command = unshare(&["--net"]);
    command.args(["setpriv", "--pdeathsig", "KILL"]).arg(std::env::current_exe().expect("this program"));
    command.args(["--exact", &format!("network::cases::{test}"), "--nocapture"]).env(INSIDE, "yes");
    let output = command.output().expect("unshare runs");
    let told = String::from_utf8_lossy(&output.stdout);
    // The inner test runner's lines are left out, because they look like those of this one.
    let is_said = |line: &&str| !line.is_empty() && !line.starts_with("test ") && !line.starts_with("running ");
    told.lines().filter(is_said).for_each(crate::house::say);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("1 passed"), "no test has that name: {told}");
    false
}

/// A process that answers lines of its standard input, and ends when that is closed.
struct Helper {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Helper {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut helper = Self { input: child.stdin.take(), child, output };
        helper.answer("ready");
        helper
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it writes");
        line.trim().to_owned()
    }

    fn answer(&mut self, wanted: &str) {
        assert_eq!(self.line(), wanted);
    }

    fn tell(&mut self, words: &str) {
        let input = self.input.as_mut().expect("it runs");
        writeln!(input, "{words}").expect("it reads");
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.input = None;
        // It ends because its input was closed.
        let _ = self.child.wait();
    }
}

/// Another host (a network namespace), and the relay to it.
struct Far {
    host: Helper,
    relay: Helper,
}

impl Far {
    /// Makes the host, connected without delay or loss.
    fn new(seed: u64) -> Self {
        run(&["ip", "link", "set", "lo", "up"]);
        let script = "ip link set lo up && echo ready && exec cat";
        let host = Helper::start(Command::new("unshare").args(["--net", "sh", "-c", script]));
        let relay = Helper::start(python().arg(RELAY).arg(seed.to_string()).args(["near", "far"]));
        let far = Self { host, relay };
        run(&["ip", "link", "set", "far", "netns", &far.host.child.id().to_string()]);
        run(&["ip", "address", "add", SERVER, "dev", "near"]);
        run(&["ip", "link", "set", "near", "up"]);
        run(&["ip", "route", "add", "10.77.0.0/24", "dev", "near"]);
        far.join_network("10.77.0.2");
        far
    }

    /// Gives the host an address and a route to the server.
    fn join_network(&self, address: &str) {
        self.run(&["ip", "link", "set", "far", "up"]);
        self.run(&["ip", "address", "add", address, "peer", SERVER, "dev", "far"]);
    }

    /// Removes the host's address and route.
    fn leave_network(&self) {
        self.run(&["ip", "address", "flush", "dev", "far"]);
    }

    /// Sends a command to the relay; see `relay.py`.
    fn network(&mut self, words: &str) {
        self.relay.tell(words);
        self.relay.answer("done");
    }

    fn entering(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.host.child.id()));
        command
    }

    fn run(&self, words: &[&str]) {
        let status = self.entering().args(words).status().expect("nsenter runs");
        assert!(status.success(), "{words:?}");
    }

    /// Starts devices of user `anna` on that host that read nothing (`deaf.py`).
    fn deaf(&self, house: &House, token: &str, how_many: usize) -> Helper {
        let address = house.server.base.trim_start_matches("http://");
        let (host, port) = address.rsplit_once(':').expect("an address");
        let python = python();
        let mut command = self.entering();
        command.arg(python.get_program()).arg(DEAF).args([host, port, token, &how_many.to_string()]);
        Helper::start(&mut command)
    }

    /// Starts a device of user `anna` on that host.
    fn device(&self, house: &House, name: &str, arguments: &[&str]) -> Device {
        let inner = Device::command(&house.server.base, &house.database, "anna", name);
        let mut command = self.entering();
        command.arg(inner.get_program()).args(inner.get_args()).args(arguments);
        pass_environment(&inner, &mut command);
        Device::spawn(&mut command)
    }
}

fn run(words: &[&str]) {
    let (program, arguments) = words.split_first().expect("a program");
    assert!(Command::new(program).args(arguments).status().is_ok_and(|status| status.success()), "{words:?}");
}
