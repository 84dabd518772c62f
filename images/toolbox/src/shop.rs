//! The jobs of the example shop: plausible lines, about a second each, and nothing else.

use std::{thread, time::Duration};

use crate::{Outcome, args::Args, output};

/// Orders a day of the example shop: name, number, takings in cents.
const PRODUCTS: [(&str, u32, u32); 6] = [
    ("copper kettle", 41, 204_590),
    ("linen towel", 118, 177_000),
    ("oak tray", 23, 91_770),
    ("salt cellar", 64, 76_160),
    ("bread knife", 19, 66_310),
    ("egg cup", 87, 43_500),
];

/// `extract`
pub fn extract(args: Args) -> Outcome {
    args.end()?;
    tell(&["connecting to the till", "read 352 orders, 6 products", "wrote orders.csv, 18 kB"])
}

/// `load`
pub fn load(args: Args) -> Outcome {
    args.end()?;
    tell(&["reading orders.csv", "loading 352 rows into warehouse.orders", "352 rows loaded, 0 refused"])
}

/// `report [--since X] [--limit N]`: at most N products, best first.
pub fn report(mut args: Args) -> Outcome {
    let (mut since, mut limit) = ("yesterday".to_owned(), PRODUCTS.len());
    while let Some(option) = args.next() {
        match option.as_str() {
            "--since" => since = args.text("--since")?,
            "--limit" => limit = args.number("--limit")?,
            other => return Err(args.wrong(&format!("there is no option `{other}`"))),
        }
    }
    tell(&[&format!("takings since {since}")])?;
    for (name, orders, cents) in PRODUCTS.into_iter().take(limit) {
        output::line(&format!("{name:<14}{orders:>4} orders {:>6}.{:02}", cents / 100, cents % 100))?;
    }
    Ok(0)
}

/// Prints the lines a third of a second apart.
fn tell(lines: &[&str]) -> Outcome {
    for line in lines {
        output::line(line)?;
        thread::sleep(Duration::from_millis(300));
    }
    Ok(0)
}
