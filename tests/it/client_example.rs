//! The example of the crate for clients is built and plays against a server.

use crate::harness::{run, until};
use crate::house::House;
use serde_json::{Value, json};
use std::{
    io::{self, BufRead as _, BufReader},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
};

/// Builds the example as the server was built, and returns its program.
fn player() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_segue")).parent().expect("it lies in a folder");
    let profile = folder.file_name().expect("it has a name").to_string_lossy().replace("debug", "dev");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--workspace", "--example", "player", "--profile", &profile])
        .arg("--target-dir")
        .arg(folder.parent().expect("it lies below the folder of targets"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the example does not build");
    folder.join("examples/player")
}

/// Kills what it holds when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended need not be killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address in front of the server. It cuts the first connection, and passes on the others, of each of which it sends
/// a handle that can cut it.
fn gateway(server: String) -> (SocketAddr, mpsc::Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    let (opened, handles) = mpsc::channel();
    thread::spawn(move || {
        for near in listener.incoming().skip(1) {
            let near = near.expect("a connection");
            let far = TcpStream::connect(&server).expect("the server listens");
            let handle = |stream: &TcpStream| stream.try_clone().expect("a handle");
            for (one, other) in [(&near, &far), (&far, &near)] {
                let (mut from, mut to) = (handle(one), handle(other));
                thread::spawn(move || {
                    // The end of one direction is the end of both.
                    let _ = io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
            }
            if opened.send(near).is_err() {
                return;
            }
        }
    });
    (address, handles)
}

#[test]
fn the_example_plays_what_it_is_told_to_and_connects_again() {
    run(async {
        let program = player();
        let house = House::open(2_000).await;
        let anna = house.server.log_in("anna", "anna-password").await;
        let address = house.server.base.strip_prefix("http://").expect("it speaks HTTP");
        let (gateway, connections) = gateway(address.to_owned());
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program);
        command.args([&format!("http://{gateway}/"), &anna.token, &house.tracks[0]]);
        let mut running = Running(command.stdout(Stdio::piped()).spawn().expect("the example starts"));
        let output = BufReader::new(running.0.stdout.take().expect("its output is piped"));
        let mut printed = output.lines().map(|line| line.expect("it prints text"));
        for _ in 0..2 {
            let connection = connections.recv().expect("it connects again after a cut");
            let playing = printed.find(|line| line.starts_with("Some((Playing, "));
            assert!(playing.is_some(), "the example ended before it played");
            until("the server shows that the example plays", async || {
                let shown = anna.get("/v1/me/player").await.json();
                let (playback, devices) = (&shown["playback"], shown["devices"]["devices"].as_array());
                let is_it = |device: &Value| {
                    device["id"] == playback["active"]["device_id"]
                        && (&device["name"], &device["presence"]) == (&json!("Example"), &json!("online"))
                };
                playback["status"] == "playing"
                    && playback["item"]["media_id"] == house.tracks[0].as_str()
                    && devices.is_some_and(|devices| devices.iter().any(is_it))
            })
            .await;
            connection.shutdown(Shutdown::Both).expect("the connection can be cut");
        }
    });
}
