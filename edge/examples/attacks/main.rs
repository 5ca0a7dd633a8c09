//! What attacks do to others: an edge with one shard on one core, a good client that asks at a fixed rate, and attackers on the other core.
//! Prints a table: what the good client's 99th percentile was in quiet and during each attack, taken in turn, and how much memory it cost.
//!
//! `cargo run --release -p streamgate-edge --example attacks -- http2 [SECONDS] [ROUNDS] [ATTACK]`: the floods and bombs of HTTP/2, or one of them.
//! `cargo run --release -p streamgate-edge --example attacks -- slow [SECONDS] [EACH]`: heads that drip in, and answers that nobody takes.
//!
//! Edge, attackers and the good client are processes of their own, pinned by `taskset`; attackers run at the lowest priority, so that the time
//! which the good client waits for its own core is not in the figures.

mod good;
mod http2;
#[allow(dead_code)]
#[path = "../../tests/behaviour/http2/raw.rs"]
mod raw;
mod slow;
mod target;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the client of the tests is told by them.
mod support {
    /// Longest wait for something that must happen.
    pub const SOON: std::time::Duration = std::time::Duration::from_secs(10);
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize, default: u64| args.get(n).map_or(default, |text| text.parse().expect("a number"));
    match args.first().map(String::as_str) {
        Some("serve") => target::serve(),
        // The attackers' process, until it is killed.
        Some("attack") => http2::attack(&args[1], args[2].parse().expect("an address")),
        Some("drip") => slow::attack(args[1].parse().expect("an address"), number(2, 0) as usize),
        Some("good") => good::main(args[1].parse().expect("an address"), number(2, 0), number(3, 0)),
        Some("slow") => slow::table(number(1, 60), number(2, 5_000)),
        None | Some("http2") => http2::table(number(1, 5), number(2, 3), args.get(3).map(String::as_str)),
        Some(other) => panic!("{other} is not known: http2 or slow"),
    }
}
