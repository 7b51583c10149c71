//! What the server tells a service manager such as systemd.

use crate::harness::{Dialect, Server, TestDatabase, run, segue};
use std::{
    fs::{self, File},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    },
    process::Command,
    time::Duration,
};

/// The next datagram.
fn told(socket: &UnixDatagram) -> String {
    let mut datagram = [0; 100];
    let length = socket.recv(&mut datagram).expect("the server tells something");
    String::from_utf8_lossy(&datagram[..length]).into_owned()
}

fn serve(database: &TestDatabase, socket: &str) -> Command {
    let mut command = segue(database);
    command.args(["serve", "--listen", "127.0.0.1:0"]).env("NOTIFY_SOCKET", socket);
    command
}

#[test]
fn the_service_manager_is_told_of_the_start_and_of_the_end() {
    let database = TestDatabase::new(Dialect::Sqlite);
    let path = database.folder.path().join("notify").display().to_string();
    let name = format!("segue-test-{}", std::process::id());
    let abstract_address = SocketAddr::from_abstract_name(&name).expect("a name");
    for (socket, variable) in
        [(UnixDatagram::bind(&path), path.clone()), (UnixDatagram::bind_addr(&abstract_address), format!("@{name}"))]
    {
        let socket = socket.expect("a socket");
        socket.set_read_timeout(Some(Duration::from_mins(5))).expect("a limit");
        run(async {
            let mut server = Server::spawn(serve(&database, &variable));
            assert_eq!(told(&socket), "READY=1", "{variable}");
            assert_eq!(server.get("/readyz").await.status, 200);
            server.signal("TERM");
            assert_eq!(told(&socket), "STOPPING=1", "{variable}");
            assert!(server.wait());
        });
    }
}

#[test]
fn a_service_manager_that_is_not_there_is_logged_and_harms_nothing() {
    let database = TestDatabase::new(Dialect::Sqlite);
    let log = database.folder.path().join("log");
    let mut command = serve(&database, "/nowhere/notify");
    command.stderr(File::create(&log).expect("created"));
    let mut server = run(Server::run(command));
    server.signal("TERM");
    assert!(server.wait());
    let log = fs::read_to_string(&log).expect("written");
    assert!(log.contains("was not told READY=1: NOTIFY_SOCKET /nowhere/notify: "), "{log}");
}
