//! Taking the place to listen at: addresses, or a file that is a Unix socket.

use crate::config::ListenAddress;
use actix_web::rt::net::{TcpSocket, UnixStream};
use std::{
    fs::{self, File},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    os::unix::{
        fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
        net::UnixListener,
    },
    path::{Path, PathBuf},
};

/// Connections that wait until the server takes them in.
const BACKLOG: u32 = 1024;
/// Tries to find a port that is free at both addresses of `localhost`.
const PORT_TRIES: u32 = 16;
/// The mode of a Unix socket: for the server's user and group. Programs that may write to it can connect.
const SOCKET_MODE: u32 = 0o660;

/// A place that is listened at.
pub(super) enum Bound {
    /// With the port that the system gave for port 0.
    Tcp(ListenAddress, Vec<TcpListener>),
    Unix(UnixListener, SocketFile),
}

/// Takes the place. A socket's file that a dead server left is replaced.
///
/// # Errors
/// When it is taken or cannot be used.
pub(super) async fn bind(wanted: &ListenAddress) -> io::Result<Bound> {
    match wanted {
        ListenAddress::Address(address) => {
            let listener = tcp(*address)?;
            let bound = ListenAddress::Address(listener.local_addr()?);
            Ok(Bound::Tcp(bound, vec![listener]))
        }
        ListenAddress::Localhost(port) => localhost(*port),
        ListenAddress::Unix(path) => unix(path).await,
    }
}

pub(super) fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that starts again finds connections of the last one that the system still keeps.
    socket.set_reuseaddr(true)?;
    socket.bind(address).map_err(advised)?;
    socket.listen(BACKLOG)?.into_std()
}

/// The error with what to do about it, where that is known.
fn advised(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            let advice = "stop the other program, or choose another port with --listen";
            io::Error::new(error.kind(), format!("{error}: {advice}"))
        }
        _ => error,
    }
}

/// Both loopback addresses with one port; a machine without IPv6 has one.
fn localhost(port: u16) -> io::Result<Bound> {
    let mut tries = if port == 0 { PORT_TRIES } else { 1 };
    loop {
        let first = tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))?;
        let given = first.local_addr()?.port();
        tries -= 1;
        let listeners = match tcp(SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), given)) {
            Ok(second) => vec![first, second],
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                log::info!("[::1]:{given} cannot be listened on, 127.0.0.1:{given} alone is: {error}");
                vec![first]
            }
            Err(_) if tries > 0 => continue,
            Err(error) => return Err(error),
        };
        return Ok(Bound::Tcp(ListenAddress::Localhost(given), listeners));
    }
}

async fn unix(path: &Path) -> io::Result<Bound> {
    // Of two servers that find the same dead socket, the second must not remove the first one's new one. A lock of the folder
    // leaves no file, and ends when the descriptor is closed.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = File::open(folder)?;
    let _locked = actix_web::web::block(move || folder.lock().map(|()| folder)).await.map_err(io::Error::other)??;
    let taken = |kind, why: &str| Err(io::Error::new(kind, why));
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)?,
            // One that has no room for another connection lives as well.
            Ok(_) => return taken(io::ErrorKind::AddrInUse, "a server that runs listens there"),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return taken(io::ErrorKind::AddrInUse, "a server that runs listens there");
            }
            Err(error) => return Err(error),
        },
        Ok(_) => return taken(io::ErrorKind::AlreadyExists, "the file is there and is no socket: name another path"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    let file = SocketFile::of(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE))?;
    Ok(Bound::Unix(listener, file))
}

/// The file of a Unix socket, removed when dropped unless it is another one by then.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    id: (u64, u64),
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), id: id(path)? })
    }
}

/// What tells a file from another one under its name.
fn id(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if id(&self.path).is_ok_and(|id| id == self.id)
            && let Err(error) = fs::remove_file(&self.path)
        {
            log::warn!("{} cannot be removed: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn try_unix(path: &Path) -> Result<Bound, String> {
        super::super::block_on(unix(path)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_socket_of_a_dead_server_is_replaced_and_one_of_a_living_server_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("segue.sock");
        drop(UnixListener::bind(&path).expect("a socket"));
        let living = try_unix(&path).expect("the file that is left is replaced");
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o7777, 0o660);
        assert_eq!(try_unix(&path).err().as_deref(), Some("a server that runs listens there"));
        drop(living);
        assert!(!path.exists(), "a clean end removes it");

        let living = try_unix(&path).expect("it is free");
        fs::remove_file(&path).expect("removed");
        let of_another = UnixListener::bind(&path).expect("a socket");
        drop(living);
        assert!(path.exists(), "it is another server's now");
        drop(of_another);

        fs::remove_file(&path).expect("removed");
        fs::write(&path, "kept").expect("written");
        assert!(try_unix(&path).err().is_some_and(|error| error.contains("is no socket")));
        assert_eq!(fs::read_to_string(&path).expect("read"), "kept");
        assert!(try_unix(&folder.path().join("no/folder")).is_err());
    }

    #[test]
    fn of_two_servers_that_find_a_dead_socket_the_second_does_not_remove_what_the_first_made_of_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("segue.sock");
        drop(UnixListener::bind(&path).expect("a socket"));
        let first = File::open(folder.path()).expect("a folder");
        first.lock().expect("locked");
        let (tell, told) = std::sync::mpsc::channel();
        let second = path.clone();
        std::thread::spawn(move || tell.send(try_unix(&second).map(|_| ())));
        let early = told.recv_timeout(std::time::Duration::from_millis(200));
        assert!(early.is_err(), "it waits for the lock: {early:?}");
        fs::remove_file(&path).expect("removed");
        let _living = UnixListener::bind(&path).expect("a socket");
        first.unlock().expect("unlocked");
        assert_eq!(told.recv(), Ok(Err("a server that runs listens there".to_owned())));
    }

    #[test]
    fn localhost_is_one_port_at_each_of_its_addresses() {
        let Ok(Bound::Tcp(bound, listeners)) = super::super::block_on(bind(&ListenAddress::Localhost(0))) else {
            panic!("it is free");
        };
        let ports: Vec<_> = listeners.iter().map(|one| one.local_addr().expect("bound").port()).collect();
        assert!(ports.iter().all(|port| bound == ListenAddress::Localhost(*port)), "{bound} {ports:?}");
        let refused = super::super::block_on(bind(&bound)).err().expect("it is taken").to_string();
        assert!(refused.ends_with("stop the other program, or choose another port with --listen"), "{refused}");
        let has_v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
        assert_eq!(ports.len(), if has_v6 { 2 } else { 1 });
    }
}
