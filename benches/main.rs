//! One command, one table: what Provost costs, each figure beside the machine's own floor for the same work, measured in
//! the same run. `just bench`; `benches/README.md` says what the rows mean.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a harness that cannot go on says why and ends"
)]

mod bare;
mod events;
mod governed;
mod pure;
mod rest;
mod table;

use table::Table;

// The allocator that the program has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // Cargo hands over `--bench`; a word of ours chooses rows: `cargo bench -p provost -- pure`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |group: &str| wanted.is_empty() || wanted.iter().any(|word| word == group);
    let mut table = Table::default();
    if is_wanted("pure") {
        pure::measure(&mut table);
    }
    if is_wanted("rest") {
        rest::measure(&mut table);
    }
    if is_wanted("events") {
        events::measure(&mut table);
    }
    if is_wanted("bare") {
        bare::measure(&mut table);
    }
    if is_wanted("governed") {
        governed::measure(&mut table);
    }
    println!("{table}");
    if let Some(path) = table.write() {
        println!("The same as JSON: {}", path.display());
    }
}
