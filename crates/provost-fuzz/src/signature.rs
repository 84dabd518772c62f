use std::sync::LazyLock;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../provost-source/tests/fixtures/", $name))
    };
}

/// Commits that are vouched for.
const GOOD: [&str; 4] = [
    fixture!("gpg-ann.commit"),
    fixture!("gpg-bob.commit"),
    fixture!("signed-ed25519.commit"),
    fixture!("signed-ecdsa.commit"),
];

static SIGNERS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let keys = [fixture!("gpg-ann.asc"), fixture!("gpg-bob.asc"), fixture!("ed25519.pub"), fixture!("ecdsa.pub")];
    keys.map(str::to_owned).to_vec()
});

/// A raw commit, or (after an `S`) a key that is listed: refused with a reason. A commit is accepted only if what was
/// signed is one of the commits that the listed people really signed.
pub fn signature(bytes: &[u8]) {
    if let Some(key) = bytes.strip_prefix(b"S") {
        let key = String::from_utf8_lossy(key).into_owned();
        let _ = provost_source::verify_commit(&[key], GOOD[0].as_bytes());
        return;
    }
    match provost_source::verify_commit(&SIGNERS, bytes) {
        Ok(signer) => {
            let signed = without_signature(bytes);
            assert!(
                GOOD.iter().any(|good| without_signature(good.as_bytes()) == signed),
                "{signer} signed no such thing"
            );
        }
        Err(why) => assert!(!why.is_empty()),
    }
}

/// The commit without its signature, told independently: from `gpgsig` to the first line that does not go on with it.
fn without_signature(commit: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    let (mut inside, mut in_message) = (false, false);
    for line in commit.split_inclusive(|byte| *byte == b'\n') {
        inside = !in_message && (line.starts_with(b"gpgsig ") || (inside && line.starts_with(b" ")));
        in_message |= line == b"\n";
        if !inside {
            kept.extend_from_slice(line);
        }
    }
    kept
}
