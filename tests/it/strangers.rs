//! Connections that send slowly or nothing, and have not shown a login.

use crate::harness::{Dialect, Log, Server, TestDatabase, run, segue};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Command,
};

/// Opens a connection and sends this.
fn open(server: &Server, text: &str) -> TcpStream {
    let address = server.base.strip_prefix("http://").expect("HTTP");
    let mut stream = TcpStream::connect(address).expect("the server listens");
    // A connection that is refused may be gone by now.
    let _ = stream.write_all(text.as_bytes());
    stream
}

/// All that the server sends until it closes the connection.
fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is reset has ended as well.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_body_that_does_not_arrive_ends_with_408_and_the_connection_is_closed() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let head = "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        for length in ["Content-Length: 500\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"] {
            let answer = rest(open(&server, &format!("{head}{length}")));
            assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("too slowly"), "{answer}");
        }
    });
}

/// Whose handler answers without a look at the body.
#[test]
fn a_body_that_nobody_reads_holds_no_connection() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        for length in ["Content-Length: 500\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"] {
            for (request, status) in [("GET /healthz", 200), ("PUT /v1/me/player/pause", 401), ("POST /nowhere", 404)] {
                let answer = rest(open(&server, &format!("{request} HTTP/1.1\r\nHost: x\r\n{length}")));
                assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {answer}");
            }
        }
    });
}

/// The command under a soft and a hard limit of open files.
fn under(command: &Command, soft: u32, hard: u32) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$@\""), "sh"]);
    limited.arg(command.get_program()).args(command.get_args());
    crate::harness::pass_environment(command, &mut limited);
    limited
}

#[test]
fn connections_without_a_login_are_bounded_and_those_with_one_go_on() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let mut command = segue(&database);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        let mut command = under(&command, 100, 200);
        let log = Log::of(&mut command, &database);
        let server = Server::run(command).await;
        log.line("the raised limit", |line| line.ends_with(" descriptors=200")).await;
        let anna = server.user(&database, "anna").await;
        let request = format!("GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", anna.token);
        let mut known = open(&server, &request);
        let mut byte = [0];
        known.read_exact(&mut byte).expect("an answer begins");
        // 200 descriptors: 100 without a login from one address.
        let strangers: Vec<_> = (0..150).map(|_| open(&server, "GET /healthz HTTP/1.1\r\n")).collect();
        known.write_all(request.as_bytes()).expect("it is open");
        known.read_exact(&mut byte).expect("it is served");
        let refused = strangers.into_iter().map(rest).filter(String::is_empty).count();
        assert!((1..=50).contains(&refused), "{refused} of 150 were closed without an answer");
        assert_eq!(anna.get("/v1/me").await.status, 200, "when they are gone");
    });
}
