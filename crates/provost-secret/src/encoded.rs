//! What a value looks like where it is written: as it is, and encoded.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};

use crate::SecretValue;

/// The shortest text that is masked, in bytes: shorter ones are in every output.
pub(crate) const MASK_MIN: usize = 4;

/// The shortest line of a value of several lines, and the shortest line of a long encoding, that is masked by itself.
const LINE_MIN: usize = 8;

/// Where programs break the lines of base64 and hexadecimal: `xxd -p`, PEM, `base64`.
const LINE_WIDTHS: [usize; 3] = [60, 64, 76];

/// The texts that must not be seen of `value`: itself, its longer lines, and both as JSON, base64 (either alphabet, also
/// within something longer), hexadecimal and in URLs. None of a value that is shorter than 4 bytes.
pub fn masks_of(value: &SecretValue) -> Vec<String> {
    let bytes = value.expose();
    let end = bytes.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
    let plain = &bytes[..end];
    if plain.len() < MASK_MIN {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(plain);
    let mut masks = vec![text.clone().into_owned(), in_json(&text)];
    masks.extend(text.lines().filter(|line| text.contains('\n') && line.len() >= LINE_MIN).map(str::to_owned));
    masks.extend(in_base64(plain));
    masks.extend(in_hexadecimal(plain));
    masks.extend(in_urls(plain));
    masks.retain(|mask| mask.len() >= MASK_MIN);
    masks.sort();
    masks.dedup();
    masks
}

fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// By itself, with its line's end, and within something longer: at each of the three places in a group that it may begin.
fn in_base64(plain: &[u8]) -> Vec<String> {
    let with_line_end = [plain, b"\n"].concat();
    let mut texts = Vec::new();
    for engine in [BASE64_STANDARD, BASE64_URL_SAFE, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
        texts.extend([plain, &with_line_end].iter().flat_map(|bytes| with_lines(engine.encode(bytes))));
    }
    for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
        texts.extend((0..3).map(|before| within(&engine, plain, before)));
    }
    texts
}

/// The characters of base64 that depend on nothing but `plain` where `before` bytes come before it in its group.
fn within(engine: &GeneralPurpose, plain: &[u8], before: usize) -> String {
    let whole = engine.encode([&[0; 2][..before], plain].concat());
    let first = (before * 8).div_ceil(6);
    let last = (before + plain.len()) * 8 / 6;
    whole[first..last].to_owned()
}

fn in_hexadecimal(plain: &[u8]) -> Vec<String> {
    [hex::encode(plain), hex::encode_upper(plain)].into_iter().flat_map(with_lines).collect()
}

/// `text`, and the lines into which programs break it.
fn with_lines(text: String) -> Vec<String> {
    let lines = LINE_WIDTHS.iter().filter(|width| text.len() > **width).flat_map(|width| {
        let lines = text.as_bytes().chunks(*width).map(|line| String::from_utf8_lossy(line).into_owned());
        lines.filter(|line| line.len() >= LINE_MIN).collect::<Vec<_>>()
    });
    let mut all: Vec<String> = lines.collect();
    all.push(text);
    all
}

/// Percent-encoded, as RFC 3986, browsers (`encodeURIComponent`) and shells of other languages leave characters as they
/// are, with digits of either case; and as forms do.
fn in_urls(plain: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    for kept in ["", "!'()*", "/", "!'()*/:;,?@&=+$#"] {
        let text = percent_encoded(plain, kept);
        texts.extend([text.replace("%20", "+"), lower_digits(&text), text]);
    }
    texts
}

fn percent_encoded(plain: &[u8], kept: &str) -> String {
    let encode = |byte: &u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || kept.as_bytes().contains(byte) => {
            char::from(*byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    plain.iter().map(encode).collect()
}

fn lower_digits(text: &str) -> String {
    let mut parts = text.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| format!("{whole}%{}{}", part[..2].to_lowercase(), &part[2..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` with all masks of `value` taken out, the longest first.
    fn hidden(value: &str, text: &str) -> String {
        let masks = masks_of(&SecretValue::new(value.as_bytes().to_vec()));
        provost_controller::Masks::of(masks).hide(text)
    }

    #[test]
    fn r8_a_value_is_found_however_it_is_encoded() {
        let value = "s3cr\"t/Pä ss+wörd";
        let json = serde_json::Value::from(value).to_string();
        let texts = [
            value.to_owned(),
            json,
            BASE64_STANDARD.encode(value),
            BASE64_STANDARD.encode(format!("{value}\n")),
            BASE64_URL_SAFE_NO_PAD.encode(value),
            hex::encode(value),
            hex::encode_upper(value),
            "s3cr%22t%2FP%C3%A4%20ss%2Bw%C3%B6rd".to_owned(),
            "s3cr%22t%2fP%c3%a4%20ss%2bw%c3%b6rd".to_owned(),
            "s3cr%22t%2FP%C3%A4+ss%2Bw%C3%B6rd".to_owned(),
            "s3cr%22t/P%C3%A4%20ss%2Bw%C3%B6rd".to_owned(),
        ];
        for text in texts {
            assert_eq!(hidden(value, &format!("a {text} b")).replace("\"***\"", "***"), "a *** b", "{text}");
        }
    }

    #[test]
    fn r8_base64_of_something_longer_is_masked_at_each_place() {
        let value = "correct horse battery";
        for before in 0..6 {
            for after in 0..4 {
                let whole = [vec![b'x'; before], value.as_bytes().to_vec(), vec![b'y'; after]].concat();
                for engine in [BASE64_STANDARD, BASE64_URL_SAFE] {
                    let text = hidden(value, &engine.encode(&whole));
                    assert!(text.contains("***"), "{before} {after}: {text}");
                    // What is left around the mask does not hold a whole byte of it.
                    let left = text.replace("***", "").len();
                    assert!(left <= (before + after) * 8 / 6 + 8, "{before} {after}: {text}");
                }
            }
        }
    }

    #[test]
    fn r8_long_encodings_are_masked_in_lines_too() {
        let value: String = ('a'..='z').cycle().take(300).collect();
        let encoded = BASE64_STANDARD.encode(&value);
        for width in [64, 76] {
            let lines: Vec<&str> = encoded.as_bytes().chunks(width).map(|line| str::from_utf8(line).unwrap()).collect();
            assert!(lines.iter().all(|line| hidden(&value, line) == "***"), "{width}");
        }
        let hex = hex::encode(&value);
        assert!(hex.as_bytes().chunks(60).all(|line| hidden(&value, str::from_utf8(line).unwrap()) == "***"));
    }

    #[test]
    fn r8_the_end_of_a_line_does_not_count_and_short_values_are_not_masked() {
        assert_eq!(hidden("hunter2\r\n", "hunter2"), "***");
        assert_eq!(masks_of(&SecretValue::new(b"abc\n".to_vec())), Vec::<String>::new());
        let key = "-----BEGIN KEY-----\nMIIBVgIBADANBg\nkq\n";
        assert_eq!(hidden(key, "only MIIBVgIBADANBg, kq"), "only ***, kq");
    }

    #[test]
    fn r8_bytes_that_are_no_text_are_masked_encoded() {
        let bytes = vec![0xff, 0x00, 0xfe, 0x80, 0x81];
        let masks = masks_of(&SecretValue::new(bytes.clone()));
        for text in [BASE64_STANDARD.encode(&bytes), hex::encode(&bytes), "%FF%00%FE%80%81".to_owned()] {
            assert!(masks.contains(&text), "{text}");
        }
    }
}
