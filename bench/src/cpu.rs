//! CPU and memory of processes, as the kernel counts them.

/// Clock ticks a second; Linux has used 100 on every platform that this runs on.
const TICKS: f64 = 100.0;

/// User and system seconds of a process so far; 0 when it is gone.
pub(crate) fn seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The command's name may hold spaces; fields are counted behind its bracket.
    let fields: Vec<&str> = stat
        .rsplit(") ")
        .next()
        .unwrap_or_default()
        .split(' ')
        .collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|text| text.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / TICKS
}

/// Seconds of a process and its children that still run, such as PostgreSQL's.
pub(crate) fn seconds_of_family(pid: u32) -> f64 {
    let children =
        std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children
        .split_whitespace()
        .filter_map(|text| text.parse().ok());
    seconds(pid) + children.map(seconds_of_family).sum::<f64>()
}

/// Resident memory of a process in MB.
pub(crate) fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line
        .and_then(|line| line.split_whitespace().next())
        .and_then(|text| text.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1_024.0
}
