//! Real proxies, run by the recipes of `config/`.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::MetadataExt as _,
    path::Path,
    process::{Child, Command},
};

/// A running proxy; stopped when dropped.
pub(crate) struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("the proxy is our child");
    }
}

/// The text of a file of `config/`.
pub(crate) fn recipe(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)).expect("the recipe is there")
}

/// Replaces texts of a recipe; fails when the recipe does not contain one of them.
#[track_caller]
pub(crate) fn adapted(mut text: String, changes: &[(&str, &str)]) -> String {
    for (from, to) in changes {
        assert!(text.contains(from), "the recipe has no {from:?}");
        text = text.replace(from, to);
    }
    text
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}

/// Starts the command in `folder`; it is killed when this thread ends.
pub(crate) fn start_proxy(folder: &Path, arguments: &[&str]) -> Proxy {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).args(arguments).env("HOME", folder).current_dir(folder);
    Proxy(command.spawn().expect("the proxy starts"))
}

/// Whether the tests run as root.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").expect("a process").uid() == 0
}

/// nginx with this text within its block `http`.
pub(crate) fn start_nginx(folder: &Path, site: &str) -> Proxy {
    let path = |name: &str| folder.join(name).display().to_string();
    fs::write(folder.join("segue.conf"), site).expect("written");
    let user = if is_root() { "user root;" } else { "" };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {};\n", path(kind)))
        .concat();
    let main = format!(
        "{user} daemon off; master_process off; pid {}; error_log stderr;\nevents {{}}\nhttp {{ access_log off;\n{temporary}\
         include {}; }}\n",
        path("pid"),
        path("segue.conf")
    );
    fs::write(folder.join("nginx.conf"), main).expect("written");
    start_proxy(folder, &["nginx", "-p", &path(""), "-c", &path("nginx.conf")])
}
