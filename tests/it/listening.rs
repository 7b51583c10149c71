//! Where a server listens besides an address: `localhost`, and a Unix socket for a proxy.

use crate::harness::{Dialect, Server, TestDatabase, run, segue};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::Path,
    process::Command,
};

fn serve(database: &TestDatabase, socket: &Path) -> Command {
    let mut command = segue(database);
    command.args(["serve", "--listen", &format!("unix:{}", socket.display())]);
    command
}

/// The answer to a request over a Unix socket.
fn ask(socket: &Path, head: &str, body: &str) -> String {
    let mut stream = UnixStream::connect(socket).expect("the server listens");
    let length = body.len();
    let text = format!(
        "{head}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers");
    answer
}

#[test]
fn a_unix_socket_serves_a_proxy_which_is_believed() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let socket = database.folder.path().join("segue.sock");
        let mut server = Server::spawn(serve(&database, &socket));
        assert_eq!(server.base, format!("unix:{}", socket.display()));
        assert_eq!(fs::metadata(&socket).expect("it is there").permissions().mode() & 0o7777, 0o660);
        let added = segue(&database).args(["user", "add", "anna"]).env("SEGUE_PASSWORD", "anna-password").output();
        assert!(added.expect("the program runs").status.success());
        let head = "POST /v1/auth/login HTTP/1.1\r\nHost: segue\r\nX-Forwarded-For: 192.0.2.7\r\n\
                    X-Forwarded-Host: music.example.org\r\nX-Forwarded-Proto: https";
        let answer = ask(&socket, head, "{\"username\":\"anna\",\"password\":\"anna-password\"}");
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.contains("\"https://music.example.org/v1/users/"),
            "{answer}"
        );
        assert!(ask(&socket, "GET /readyz HTTP/1.1\r\nHost: x", "").starts_with("HTTP/1.1 200"));

        let other = TestDatabase::new(Dialect::Sqlite);
        let refused = serve(&other, &socket).output().expect("the program runs");
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        let expected = format!("unix:{} cannot be listened on: a server that runs listens there", socket.display());
        assert!(refused.status.code() == Some(1) && told.contains(&expected), "{told}");
        assert!(ask(&socket, "GET /healthz HTTP/1.1\r\nHost: x", "").starts_with("HTTP/1.1 200"), "it is undisturbed");

        server.signal("KILL");
        server.wait();
        assert!(socket.exists());
        let mut again = Server::spawn(serve(&database, &socket));
        assert!(ask(&socket, "GET /healthz HTTP/1.1\r\nHost: x", "").starts_with("HTTP/1.1 200"));
        again.signal("TERM");
        assert!(again.wait() && !socket.exists(), "a clean end removes the file");
    });
}

#[test]
fn localhost_is_both_loopback_addresses() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start_at(&database, "localhost:0", &[]).await;
        let port = server.base.strip_prefix("http://localhost:").expect("a port").parse().expect("a number");
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        let has_v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
        assert_eq!(TcpStream::connect((Ipv6Addr::LOCALHOST, port)).is_ok(), has_v6);
    });
}
