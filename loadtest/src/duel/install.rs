//! Installs what other servers are made of, at the versions of `peers/package-lock.json` and of Debian.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const FILES: [(&str, &str); 4] = [
    ("package.json", include_str!("../../peers/package.json")),
    ("package-lock.json", include_str!("../../peers/package-lock.json")),
    ("ws.js", include_str!("../../peers/ws.js")),
    ("socketio.js", include_str!("../../peers/socketio.js")),
];
/// Where Debian has the module.
const NCHAN: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";
const NCHAN_PACKAGE: &str = "libnginx-mod-nchan";

/// Installs the packages of npm into a folder, unless they are there.
///
/// # Errors
/// What is missing.
pub(super) fn packages(folder: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(failed)?;
    // Several programs may ask at once.
    let lock = fs::File::create(folder.join(".lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let installed = folder.join(".installed");
    let wanted: String = FILES.iter().map(|(_, text)| *text).collect();
    if fs::read_to_string(&installed).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    for (name, text) in FILES {
        fs::write(folder.join(name), text).map_err(failed)?;
    }
    run(Command::new("npm").args(["ci", "--prefer-offline", "--no-audit", "--no-fund"]).current_dir(folder)).map_err(
        |why| {
            format!("Node.js 20 or newer with npm is needed (tests/node.sh installs it and prints its folder): {why}")
        },
    )?;
    fs::write(installed, wanted).map_err(failed)
}

/// The module of nginx; installed if it is missing and this program may.
///
/// # Errors
/// It is missing.
pub(super) fn nchan() -> Result<PathBuf, String> {
    let module = PathBuf::from(NCHAN);
    if module.exists() {
        return Ok(module);
    }
    if !rustix::process::geteuid().is_root() {
        return Err(format!("it is missing; as root: apt-get install --no-install-recommends nginx {NCHAN_PACKAGE}"));
    }
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    let install = ["install", "-qq", "--no-install-recommends", "nginx", NCHAN_PACKAGE];
    run(Command::new("apt-get").args(install).env("DEBIAN_FRONTEND", "noninteractive"))?;
    if module.exists() { Ok(module) } else { Err(format!("{NCHAN_PACKAGE} does not contain {NCHAN}")) }
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    Err(format!("{name}: {}: {}", output.status, told.trim().lines().last().unwrap_or_default()))
}
