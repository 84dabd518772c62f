//! Revisions that real GnuPG signed just now. Without `gpg` on the machine there is nothing to see here; the fixtures,
//! which need none, are tested in `src/git/signers/openpgp.rs`.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::shop::{Shop, texts, unsigned};

/// A GnuPG with keys of its own; its agent ends with it.
struct GnuPg {
    home: TempDir,
}

impl GnuPg {
    /// Returns nothing where there is no `gpg`.
    fn new() -> Option<Self> {
        Command::new("gpg").arg("--version").stdout(Stdio::null()).status().ok()?;
        let gpg = Self { home: tempfile::tempdir().unwrap() };
        let wrapper = format!(
            "#!/bin/sh\nexec gpg --homedir {} --batch --quiet --no-tty --pinentry-mode loopback --passphrase '' \"$@\"\n",
            gpg.home.path().display()
        );
        std::fs::write(gpg.program(), wrapper).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(gpg.program(), executable).unwrap();
        Some(gpg)
    }

    fn program(&self) -> std::path::PathBuf {
        self.home.path().join("gpg")
    }

    fn run(&self, args: &[&str]) -> String {
        let output = Command::new(self.program()).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Makes a key; returns its public half.
    fn key(&self, person: &str, kind: &str) -> String {
        self.run(&["--quick-gen-key", person, kind, "sign", "1y"]);
        self.run(&["--armor", "--export", person])
    }

    /// Commits everything in `shop`, signed by `person`.
    fn commit(&self, shop: &Shop, person: &str, content: &str) {
        let program = format!("gpg.program={}", self.program().display());
        let key = format!("user.signingKey={person}");
        let now = jiff::Timestamp::now().as_second().to_string();
        shop.write("shop.yaml", content);
        shop.git(&["add", "."]);
        // The shop's clock stands still; the key was made just now.
        let date = format!("--date={now} +0000");
        shop.git(&["-c", &program, "-c", &key, "commit", "--quiet", "-S", &date, "--message=Signed"]);
    }
}

impl Drop for GnuPg {
    fn drop(&mut self) {
        let home: &Path = self.home.path();
        let _ = Command::new("gpgconf").arg("--homedir").arg(home).args(["--kill", "all"]).status();
    }
}

#[tokio::test]
async fn what_gnupg_signs_now_is_accepted_and_nothing_else() {
    let Some(gpg) = GnuPg::new() else {
        return;
    };
    let (ann, eve) = ("Ann <ann@example.org>", "Eve <eve@example.org>");
    for kind in ["ed25519", "nistp256"] {
        let shop = Shop::new();
        let (ann, eve) = (format!("{kind} {ann}"), format!("{kind} {eve}"));
        let key = gpg.key(&ann, kind);
        gpg.key(&eve, kind);
        let source = shop.source_with(shop.config(), &[key]);

        gpg.commit(&shop, &ann, "a: 2\n");
        let revision = source.fetch().await.unwrap();
        assert_eq!((revision.signer.as_deref(), &*texts(&revision)), (Some(&*ann), &[("shop.yaml", "a: 2\n")][..]));

        gpg.commit(&shop, &eve, "a: 3\n");
        let (revision, why) = unsigned(&source).await;
        assert_eq!(revision, shop.head());
        assert!(why.starts_with("the OpenPGP key that signed it (") && why.contains("not listed"), "{why}");

        // Signed, and then amended by somebody who has no key.
        let raw = shop.git(&["cat-file", "commit", "HEAD~1"]) + "\n";
        let tampered = shop.object("commit", raw.replace("Signed", "signed").as_bytes());
        shop.git(&["reset", "--quiet", "--hard", &tampered]);
        assert!(unsigned(&source).await.1.contains(&format!("it was changed after {ann} signed it")));
    }
}
