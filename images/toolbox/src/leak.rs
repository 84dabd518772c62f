//! `leak`: a job that gives away what it was given, in every way that programs do by mistake.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    thread,
    time::Duration,
};

use serde_json::json;

use crate::{Outcome, args::Args, failure::Failure, output};

/// Where Provost reads what a container leaves behind.
const OUT: &str = "/provost/out";

/// `leak FILE [--hold SECONDS]`
pub fn leak(mut args: Args) -> Outcome {
    let path = args.text("the file")?;
    let mut hold = Duration::ZERO;
    while let Some(option) = args.next() {
        match option.as_str() {
            "--hold" => hold = args.seconds("--hold")?,
            other => return Err(args.wrong(&format!("there is no option `{other}`"))),
        }
    }
    let value = fs::read_to_string(&path).map_err(|error| Failure::at("read", Path::new(&path), &error))?;
    for line in spellings(&value) {
        output::line(&line)?;
    }
    output::complain(&format!("error: login with {value} failed"));
    in_two_writes(&value)?;
    behind(&value)?;
    thread::sleep(hold);
    Ok(0)
}

/// The value as it is, and encoded.
fn spellings(value: &str) -> Vec<String> {
    let of_login = base64(format!("user:{value}").as_bytes());
    let hexadecimal: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![format!("password={value}"), base64(value.as_bytes()), format!("Authorization: Basic {of_login}"), hexadecimal]
}

/// The value cut in the middle, with a pause between its halves.
fn in_two_writes(value: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let middle = (value.len() / 2..).find(|at| value.is_char_boundary(*at)).unwrap_or(value.len());
    for half in [&value[..middle], &value[middle..]] {
        out.write_all(half.as_bytes())?;
        out.flush()?;
        thread::sleep(Duration::from_millis(200));
    }
    writeln!(out, " was split")
}

/// The value in all files that a container may leave.
fn behind(value: &str) -> Result<(), Failure> {
    let files = [
        ("locals.json", json!({"leaked": value, "deep": {"in": [format!("x{value}y"), base64(value.as_bytes())]}})),
        ("globals.json", json!({"leaked": {"all": value}})),
        ("progress.jsonl", json!({"message": format!("using {value}")})),
        ("reply.json", json!({"allow": true, "reason": value})),
    ];
    for (name, content) in files {
        let path = Path::new(OUT).join(name);
        fs::write(&path, content.to_string() + "\n").map_err(|error| Failure::at("write", &path, &error))?;
    }
    Ok(())
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with padding, by RFC 4648.
fn base64(bytes: &[u8]) -> String {
    let group = |group: &[u8]| {
        let bits = group.iter().chain([&0; 2]).take(3).fold(0, |bits, byte| bits << 8 | u32::from(*byte));
        let sextet = move |place: u32| char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]);
        let used = u32::try_from(group.len()).unwrap_or_default() + 1;
        (0..4).map(move |place| if place < used { sextet(place) } else { '=' }).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        let vectors =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in vectors {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }
}
