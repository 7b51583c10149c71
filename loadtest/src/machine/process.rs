//! CPU time, memory and limits of a process, and the time that the machine's host has stolen.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time of its own code, in microseconds.
    pub user_us: u64,
    /// CPU time of the kernel for it, in microseconds.
    pub system_us: u64,
    /// Resident memory, in bytes.
    pub rss: u64,
}

/// What the cores of the machine have done so far, in ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cores {
    /// All time.
    pub all: u64,
    /// Without work.
    pub idle: u64,
    /// With work, but the host ran something else.
    pub stolen: u64,
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// What a process has used; `None`: it is not there.
#[must_use]
pub fn usage(pid: u32) -> Option<Usage> {
    parse_usage(&read(&format!("/proc/{pid}/stat"))?, &read(&format!("/proc/{pid}/status"))?)
}

fn parse_usage(stat: &str, status: &str) -> Option<Usage> {
    let ticks_per_s = rustix::param::clock_ticks_per_second().max(1);
    // The name, in brackets, may hold blanks and brackets.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut time_us = || Some(fields.next()?.parse::<u64>().ok()?.saturating_mul(1_000_000) / ticks_per_s);
    let (user_us, system_us) = (time_us()?, time_us()?);
    let rss_kb: u64 = field(status, "VmRSS:")?.split(' ').next()?.parse().ok()?;
    Some(Usage { user_us, system_us, rss: rss_kb.saturating_mul(1_024) })
}

/// The value of a line `name value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// On how many cores a process may run.
#[must_use]
pub fn allowed_cores(pid: u32) -> Option<usize> {
    let status = read(&format!("/proc/{pid}/status"))?;
    parse_list(field(&status, "Cpus_allowed_list:")?)
}

/// The length of a list such as `0-3,8`.
fn parse_list(list: &str) -> Option<usize> {
    let ranges = list.split(',').map(|range| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        let (from, to): (usize, usize) = (from.parse().ok()?, to.parse().ok()?);
        to.checked_sub(from)?.checked_add(1)
    });
    ranges.sum()
}

/// What the cores have done.
#[must_use]
pub fn cores() -> Option<Cores> {
    parse_cores(&read("/proc/stat")?)
}

fn parse_cores(stat: &str) -> Option<Cores> {
    let times: Vec<u64> = field(stat, "cpu ")?.split(' ').map_while(|time| time.parse().ok()).take(8).collect();
    let [_, _, _, idle, waiting, _, _, stolen] = times.get(..8)? else { return None };
    Some(Cores { all: times.iter().sum(), idle: idle.saturating_add(*waiting), stolen: *stolen })
}

/// How many files a process may have open, and how many it has.
#[must_use]
pub fn files(pid: u32) -> Option<(u64, u64)> {
    let most = parse_files(&read(&format!("/proc/{pid}/limits"))?)?;
    let open = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
    Some((most, u64::try_from(open).unwrap_or(u64::MAX)))
}

fn parse_files(limits: &str) -> Option<u64> {
    let soft = field(limits, "Max open files")?.split_whitespace().next()?;
    if soft == "unlimited" { Some(u64::MAX) } else { soft.parse().ok() }
}

/// The process that listens on a port of this machine; `None`: no process does, or it runs as another user.
#[must_use]
pub fn listener(port: u16) -> Option<u32> {
    let tables = [read("/proc/net/tcp"), read("/proc/net/tcp6")];
    let sockets: Vec<u64> = tables.iter().flatten().flat_map(|table| parse_listeners(table, port)).collect();
    let processes = fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes.into_iter().find(|pid| {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        files.into_iter().any(|file| {
            // The link of a socket leads to no path, but it can be followed.
            fs::metadata(file.path()).is_ok_and(|found| sockets.contains(&found.ino()))
        })
    })
}

/// The sockets that listen on a port, by their inode.
fn parse_listeners(table: &str, port: u16) -> Vec<u64> {
    let listens = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, local) = fields.get(1)?.split_once(':')?;
        let is_it = u16::from_str_radix(local, 16) == Ok(port) && fields.get(3) == Some(&"0A");
        fields.get(9).filter(|_| is_it)?.parse().ok()
    };
    table.lines().skip(1).filter_map(listens).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_kernel_s_tables_are_read() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 250 125 0 0 20 0 1 0 1 1 1";
        let used = parse_usage(stat, "Name:\tx\nVmRSS:\t    2048 kB\n");
        assert_eq!(used, Some(Usage { user_us: 2_500_000, system_us: 1_250_000, rss: 2 << 20 }));
        assert_eq!((parse_list("0-3,8"), parse_list("1"), parse_list("")), (Some(5), Some(1), None));
        let cores = parse_cores("cpu  1 2 3 40 5 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n");
        assert_eq!(cores, Some(Cores { all: 72, idle: 45, stolen: 8 }));
        let limits = "Limit Soft Hard\nMax open files            1024                 4096                 files\n";
        assert_eq!(parse_files(limits), Some(1_024));
        let table =
            "head\n 0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 4711 1\n 1: 0:1F90 0:0 01 0:0 0:0 0 0 0 4712 1\n";
        assert_eq!((parse_listeners(table, 8_080), parse_listeners(table, 80)), (vec![4_711], vec![]));
    }

    #[test]
    fn this_process_is_found_by_a_port_on_which_it_listens() {
        let listener_of_ours = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener_of_ours.local_addr().expect("an address").port();
        let me = std::process::id();
        assert_eq!(listener(port), Some(me));
        let (most, open) = files(me).expect("it is there");
        assert!(open > 2 && most >= open, "{open} of {most}");
        assert!(
            usage(me).is_some_and(|usage| usage.rss > 0) && allowed_cores(me) >= Some(1) && super::cores().is_some()
        );
        assert_eq!(usage(u32::MAX), None);
    }
}
