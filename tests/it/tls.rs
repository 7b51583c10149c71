//! TLS of the server itself: the certificate can be replaced while it runs; trust of devices.

use crate::harness::{Device, Dialect, Log, Server, TestDatabase, run, segue, silence, until};
use crate::stream::fixture::{Track, noise};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring, pki_types::ServerName};
use serde_json::json;
use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

/// A length in bytes that the kernel's buffers of both sides cannot hold.
const LONG: usize = 48 << 20;

type Pair = CertifiedKey<rcgen::KeyPair>;

/// A self-signed certificate for `localhost`.
fn pair() -> Pair {
    generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}

/// The folder with a test's certificate and key.
struct Files(PathBuf);

impl Files {
    fn new(database: &TestDatabase) -> Self {
        Self(database.folder.path().to_owned())
    }

    fn cert(&self) -> PathBuf {
        self.0.join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.0.join("key.pem")
    }

    fn write(&self, pair: &Pair) {
        fs::write(self.cert(), pair.cert.pem()).expect("written");
        fs::write(self.key(), pair.signing_key.serialize_pem()).expect("written");
    }

    fn serve(&self, database: &TestDatabase) -> Server {
        Server::spawn(self.command(database, "20"))
    }

    fn command(&self, database: &TestDatabase, poll_ms: &str) -> Command {
        let mut command = segue(database);
        command.args(["serve", "--listen", "127.0.0.1:0", "--poll-ms", poll_ms, "--send-timeout-s", "3"]);
        command.arg("--tls-cert").arg(self.cert()).arg("--tls-key").arg(self.key());
        command
    }
}

/// A connection that trusts this certificate and no other.
struct Client {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Client {
    fn connect(server: &Server, trusted: &Pair, protocols: &[&[u8]]) -> std::io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.cert.der().clone()).expect("a root");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().expect("versions");
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
        let address = server.base.strip_prefix("https://").expect("it says that it speaks TLS");
        let mut stream = StreamOwned::new(connection, TcpStream::connect(address)?);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self { stream })
    }

    /// Sends a request; returns the head of the answer and, if it is short, its body.
    fn ask(&mut self, method: &str, path: &str, headers: &[&str], body: &str) -> (String, String) {
        let headers = [headers, &[""]].concat().join("\r\n");
        let length = body.len();
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        self.stream.write_all(request.as_bytes()).expect("sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).expect("an answer");
            head.extend(byte);
        }
        let head = String::from_utf8(head).expect("text").to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
        let mut body = vec![0; length.filter(|length| *length < LONG / 2).unwrap_or(0)];
        self.stream.read_exact(&mut body).expect("the body");
        (head, String::from_utf8_lossy(&body).into_owned())
    }
}

fn add_anna(database: &TestDatabase) {
    let added = segue(database).args(["user", "add", "anna"]).env("SEGUE_PASSWORD", "anna-password").output();
    assert!(added.expect("the program runs").status.success());
}

fn log_in(client: &mut Client, database: &TestDatabase) -> String {
    add_anna(database);
    let body = json!({"username": "anna", "password": "anna-password"}).to_string();
    let (head, body) = client.ask("POST", "/v1/auth/login", &["Content-Type: application/json"], &body);
    assert!(head.starts_with("http/1.1 200"), "{head}{body}");
    let login: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    format!("Authorization: Bearer {}", login["token"].as_str().expect("a token"))
}

#[test]
fn requests_and_sockets_work_over_tls_without_http2_and_links_are_https() {
    let database = TestDatabase::new(Dialect::Sqlite);
    let (files, pair) = (Files::new(&database), pair());
    files.write(&pair);
    let mut server = files.serve(&database);
    let is_invitation = |line: &String| line.contains("/setup#");
    let invitation = std::iter::from_fn(|| server.line()).find(is_invitation).expect("a set-up link");
    assert!(invitation.contains(&format!("{}/setup#", server.base)), "{invitation}");

    let mut client = Client::connect(&server, &pair, &[b"http/1.1"]).expect("a connection");
    let token = log_in(&mut client, &database);
    let (head, body) = client.ask("GET", "/v1/tracks", &[&token], "");
    assert!(head.starts_with("http/1.1 200") && body.contains("\"href\":\"https://localhost/"), "{head}{body}");
    let upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let (head, _) =
        client.ask("GET", "/v1/sync", &[&upgrade[..], &[key, "Sec-WebSocket-Protocol: segue.sync.v1"]].concat(), "");
    assert!(head.starts_with("http/1.1 101"), "{head}");

    let browser = Client::connect(&server, &pair, &[b"h2", b"http/1.1"]).expect("a connection");
    assert_eq!(browser.stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]), "HTTP/2 is not offered");
    assert!(Client::connect(&server, &pair, &[b"h2"]).is_err(), "nor taken");
    // A client that does not use TLS is disconnected; other clients are not affected.
    let mut plain = TcpStream::connect(server.base.trim_start_matches("https://")).expect("a connection");
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    // The connection is closed, with or without a TLS alert.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"));
    assert!(Client::connect(&server, &pair, &[]).is_ok());
}

#[test]
fn a_new_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let (files, old, new) = (Files::new(&database), pair(), pair());
        files.write(&old);
        let server = files.serve(&database);
        let mut open = Client::connect(&server, &old, &[]).expect("a connection");
        assert!(Client::connect(&server, &new, &[]).is_err(), "nobody else's is trusted");

        // The files are replaced one after the other; in between, certificate and key do not match.
        fs::write(files.cert(), new.cert.pem()).expect("written");
        assert!(Client::connect(&server, &old, &[]).is_ok(), "the pair before stays");
        files.write(&new);
        until("the new one is shown", async || Client::connect(&server, &new, &[]).is_ok()).await;
        assert!(Client::connect(&server, &old, &[]).is_err(), "and the old one no more");
        let (head, _) = open.ask("GET", "/healthz", &[], "");
        assert!(head.starts_with("http/1.1 200"), "who was connected stays so: {head}");

        fs::write(files.key(), "half a file").expect("written");
        let mut looks = 0;
        until("it has looked some times", async || {
            looks += 1;
            assert!(Client::connect(&server, &new, &[]).is_ok(), "the good one stays");
            looks > 20
        })
        .await;
        files.write(&old);
        until("it goes on looking", async || Client::connect(&server, &old, &[]).is_ok()).await;
    });
}

#[test]
fn a_hang_up_reloads_the_certificate_at_once() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let (files, old, new) = (Files::new(&database), pair(), pair());
        files.write(&old);
        // It does not look by itself before the test is long over.
        let mut command = files.command(&database, "600000");
        let log = Log::of(&mut command, &database);
        let server = Server::spawn(command);
        assert!(Client::connect(&server, &old, &[]).is_ok());
        files.write(&new);
        server.signal("HUP");
        log.line("it is reloaded", |line| line.contains("SIGHUP: tls_cert and tls_key were reloaded")).await;
        assert!(Client::connect(&server, &new, &[]).is_ok() && Client::connect(&server, &old, &[]).is_err());
        server.signal("HUP");
        log.line("nothing new", |line| line.contains("SIGHUP: tls_cert and tls_key have not changed")).await;
        fs::write(files.key(), "half a file").expect("written");
        server.signal("HUP");
        log.line("no good", |line| line.contains("SIGHUP: the new certificate is not used")).await;
        assert!(Client::connect(&server, &new, &[]).is_ok(), "the good one stays");
    });
}

#[test]
fn who_speaks_no_tls_is_no_error() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let (files, right, wrong) = (Files::new(&database), pair(), pair());
        files.write(&right);
        let mut command = files.command(&database, "20");
        command.args(["--log", "debug"]);
        let log = Log::of(&mut command, &database);
        let server = Server::spawn(command);
        for junk in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b"", b"SSH-2.0-x\r\n"]
        {
            let mut plain = TcpStream::connect(server.base.trim_start_matches("https://")).expect("a connection");
            plain.write_all(junk).and_then(|()| plain.shutdown(std::net::Shutdown::Write)).expect("sent");
            // It is closed, with or without a word.
            let _ = plain.read_to_end(&mut Vec::new());
        }
        assert!(Client::connect(&server, &wrong, &[]).is_err(), "it breaks the handshake off");
        let mut client = Client::connect(&server, &right, &[b"http/1.1"]).expect("a connection");
        let (head, _) = client.ask("GET", "/healthz", &[], "");
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(!log.text().contains(" ERROR "), "{}", log.text());
    });
}

#[test]
fn a_client_that_stops_reading_is_disconnected_with_tls_too() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let (files, pair) = (Files::new(&database), pair());
        files.write(&pair);
        let track = Track::add(&database, "a.flac", &noise(LONG));
        let server = files.serve(&database);
        let mut client = Client::connect(&server, &pair, &[b"http/1.1"]).expect("a connection");
        let token = log_in(&mut client, &database);
        let (head, _) = client.ask("GET", &track.stream(), &[&token], "");
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let is_open = || {
            let files = fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("the server runs");
            files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|target| target == track.path))
        };
        assert!(is_open());
        until("the stalled stream ends", async || !is_open()).await;
    });
}

#[test]
fn unusable_certificate_files_end_the_start_with_the_reason() {
    let database = TestDatabase::new(Dialect::Sqlite);
    let (files, right, wrong) = (Files::new(&database), pair(), pair());
    files.write(&right);
    let other = database.folder.path().join("other.pem");
    fs::write(&other, wrong.signing_key.serialize_pem()).expect("written");
    let serve = |cert: Option<&Path>, key: Option<&Path>| -> Output {
        let mut command = segue(&database);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        for (flag, path) in [("--tls-cert", cert), ("--tls-key", key)] {
            if let Some(path) = path {
                command.arg(flag).arg(path);
            }
        }
        command.output().expect("it ends")
    };
    let missing = database.folder.path().join("missing.pem");
    let (cert, key) = (files.cert(), files.key());
    for (cert, key, told) in [
        (Some(&cert), None, "tls_cert and tls_key need each other"),
        (None, Some(&key), "tls_cert and tls_key need each other"),
        (Some(&missing), Some(&key), "missing.pem cannot be read"),
        (Some(&key), Some(&key), "holds no certificate in PEM form"),
        (Some(&cert), Some(&cert), "holds no private key in PEM form"),
        (Some(&cert), Some(&other), "do not belong together"),
    ] {
        let output = serve(cert.map(PathBuf::as_path), key.map(PathBuf::as_path));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(told), "wanted {told:?}: {said}");
    }
}

#[test]
fn a_device_connects_only_to_a_server_whose_certificate_it_trusts() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let (files, right, wrong) = (Files::new(&database), pair(), pair());
        files.write(&right);
        let music = database.folder.path().join("music");
        fs::create_dir(&music).expect("a folder");
        silence(&music.join("one.wav"), 20);
        let scanned = segue(&database).arg("scan").arg("--music").arg(&music).output().expect("the program runs");
        assert!(scanned.status.success(), "{scanned:?}");
        let server = files.serve(&database);
        add_anna(&database);
        let base = server.base.replace("127.0.0.1", "localhost");
        let other = database.folder.path().join("other.pem");
        fs::write(&other, wrong.cert.pem()).expect("written");
        let command = |name: &str| Device::command(&base, &database, "anna", name);

        let mut kitchen = Device::spawn(command("Kitchen").arg("--ca").arg(files.cert()));
        kitchen.event("welcome", |_| true).await;
        // The variable names the system's trusted certificates, as in OpenSSL.
        let mut hall = Device::spawn(command("Hall").env("SSL_CERT_FILE", files.cert()));
        hall.event("welcome", |_| true).await;
        kitchen.tell("search one");
        let loaded = kitchen.event("audio", |event| event["state"] == "loaded").await;
        let length = fs::metadata(music.join("one.wav")).expect("the file").len();
        assert_eq!(loaded["bytes"], length);
        hall.event("position", |event| event["status"] == "playing").await;
        let mark = kitchen.mark();
        hall.tell("transfer Hall");
        hall.event("audio", |event| event["state"] == "sounding").await;
        kitchen.first(mark, "it is silent", |event| event["event"] == "audio" && event["state"] == "silent").await;

        for (name, path, told) in [
            ("SSL_CERT_FILE", &other, "certificate"),
            ("--ca", &other, "certificate"),
            ("--ca", &files.key(), "there is no certificate in PEM form in it"),
            ("--ca", &music, "music: "),
        ] {
            let mut command = command("Thief");
            let command = if name == "--ca" { command.arg(name).arg(path) } else { command.env(name, path) };
            let output = command.output().expect("it runs");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code() == Some(1) && said.contains(told), "{name} {}: {said}", path.display());
            assert_eq!(said.lines().count(), 1, "{said}");
        }
        let plain =
            Device::command("http://localhost:1", &database, "anna", "Hall").arg("--ca").arg(files.cert()).output();
        let said = String::from_utf8_lossy(&plain.expect("it runs").stderr).into_owned();
        assert!(said.contains("--ca is for https"), "{said}");
    });
}
