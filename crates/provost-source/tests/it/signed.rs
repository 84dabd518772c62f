//! Revisions that one of the listed signers must have signed.

use std::sync::Arc;

use provost_controller::Source;
use ssh_key::{HashAlg, LineEnding, PrivateKey, private::Ed25519Keypair};

use crate::shop::{Shop, texts, unsigned};

/// The key of a person, always the same for the same number.
fn key(number: u8, name: &str) -> PrivateKey {
    let mut key = PrivateKey::from(Ed25519Keypair::from_seed(&[number; 32]));
    key.set_comment(name);
    key
}

fn ann() -> PrivateKey {
    key(1, "ann@example.org")
}

fn line(key: &PrivateKey) -> String {
    key.public_key().to_openssh().unwrap()
}

/// A source that accepts what Ann or Bob signed.
fn guarded(shop: &Shop) -> Arc<dyn Source> {
    shop.source_with(shop.config(), &[line(&key(2, "bob@example.org")), line(&ann())])
}

/// The raw commit at the tip.
fn raw(shop: &Shop) -> String {
    shop.git(&["cat-file", "commit", "HEAD"]) + "\n"
}

/// `raw` with a header that holds `signature`.
fn with_signature(raw: &str, signature: &str) -> String {
    let header = signature.trim_end().replace('\n', "\n ");
    raw.replacen("\n\n", &format!("\ngpgsig {header}\n\n"), 1)
}

fn signature(raw: &str, key: &PrivateKey, namespace: &str) -> String {
    key.sign(namespace, HashAlg::Sha512, raw.as_bytes()).unwrap().to_pem(LineEnding::LF).unwrap()
}

/// Puts a raw commit in the place of the tip; returns its id.
fn replace(shop: &Shop, raw: &str) -> String {
    let id = shop.object("commit", raw.as_bytes());
    shop.git(&["reset", "--quiet", "--hard", &id]);
    id
}

/// Signs the tip; returns its new id.
fn sign(shop: &Shop, key: &PrivateKey) -> String {
    let raw = raw(shop);
    replace(shop, &with_signature(&raw, &signature(&raw, key, "git")))
}

#[tokio::test]
async fn a_signed_commit_is_accepted_and_says_who_signed() {
    let shop = Shop::new();
    let id = sign(&shop, &ann());
    let revision = guarded(&shop).fetch().await.unwrap();
    assert_eq!((revision.id.as_str(), revision.signer.as_deref()), (&*id, Some("ann@example.org")));
    assert_eq!(revision.subject, "Change the shop");
    // Without signers, nobody asks.
    assert_eq!(shop.source().fetch().await.unwrap().signer, None);
}

#[tokio::test]
async fn an_unsigned_commit_is_not_accepted() {
    let shop = Shop::new();
    let (revision, why) = unsigned(&guarded(&shop)).await;
    assert_eq!(revision, shop.head());
    assert!(why.starts_with("it is not signed; sign it (`git commit --amend -S`"), "{why}");
}

#[tokio::test]
async fn a_foreign_signature_is_not_accepted() {
    let shop = Shop::new();
    let eve = key(9, "ann@example.org");
    sign(&shop, &eve);
    let (_, why) = unsigned(&guarded(&shop)).await;
    let print = eve.fingerprint(HashAlg::Sha256).to_string();
    assert!(why.contains(&print) && why.contains("is not listed under `signers`"), "{why}");
}

#[tokio::test]
async fn a_commit_that_was_changed_after_it_was_signed_is_not_accepted() {
    let shop = Shop::new();
    sign(&shop, &ann());
    let signed = raw(&shop);
    for (from, to) in
        [("Change the shop", "Change the Shop"), ("1763600000", "1763600001"), ("gpgsig ", "x-more 1\ngpgsig ")]
    {
        replace(&shop, &signed.replacen(from, to, 1));
        let (_, why) = unsigned(&guarded(&shop)).await;
        assert!(why.contains("it was changed after ann@example.org signed it"), "{to}: {why}");
    }
}

#[tokio::test]
async fn a_signature_for_something_else_is_not_accepted() {
    let shop = Shop::new();
    let plain = raw(&shop);
    replace(&shop, &with_signature(&plain, &signature(&plain, &ann(), "file")));
    assert!(unsigned(&guarded(&shop)).await.1.contains("is one for \"file\" and not for a commit"));
}

#[tokio::test]
async fn a_signature_of_the_tip_alone_is_enough() {
    let shop = Shop::new();
    shop.commit("shop.yaml", "a: 2\n");
    sign(&shop, &ann());
    assert_eq!(texts(&guarded(&shop).fetch().await.unwrap()), [("shop.yaml", "a: 2\n")]);
}

#[tokio::test]
async fn an_old_signed_commit_cannot_be_put_back() {
    let shop = Shop::new();
    let old = sign(&shop, &ann());
    let source = guarded(&shop);
    source.fetch().await.unwrap();
    shop.commit("shop.yaml", "a: 2\n");
    let new = sign(&shop, &ann());
    source.fetch().await.unwrap();

    shop.git(&["reset", "--quiet", "--hard", &old]);
    let (revision, why) = unsigned(&source).await;
    assert_eq!(revision, old);
    assert!(why.contains(&format!("does not follow {new}, the last accepted revision")), "{why}");

    // Neither a restart nor the loss of the copy makes it forget.
    assert!(unsigned(&guarded(&shop)).await.1.contains("does not follow"));
    std::fs::remove_dir_all(shop.home().join("repository.git")).unwrap();
    assert!(unsigned(&guarded(&shop)).await.1.contains("does not follow"));

    // Nor does a new commit beside the accepted one, signed as it is.
    shop.commit("shop.yaml", "a: 3\n");
    sign(&shop, &ann());
    assert!(unsigned(&source).await.1.contains("does not follow"));

    shop.git(&["reset", "--quiet", "--hard", &new]);
    shop.commit("shop.yaml", "a: 4\n");
    sign(&shop, &ann());
    assert_eq!(texts(&source.fetch().await.unwrap()), [("shop.yaml", "a: 4\n")]);
}

#[tokio::test]
async fn rewritten_history_is_accepted_once_the_operator_says_so() {
    let shop = Shop::new();
    sign(&shop, &ann());
    let source = guarded(&shop);
    source.fetch().await.unwrap();
    shop.git(&["checkout", "--quiet", "--orphan", "other"]);
    shop.commit("shop.yaml", "a: 2\n");
    sign(&shop, &ann());
    shop.git(&["branch", "--force", "main", "other"]);
    let accepted = shop.home().join("accepted");
    assert!(unsigned(&source).await.1.contains(&format!("remove `{}`", accepted.display())));

    std::fs::write(&accepted, "nonsense").unwrap();
    assert!(source.fetch().await.unwrap_err().to_string().contains("is damaged"), "damage is not taken for consent");
    std::fs::remove_file(&accepted).unwrap();
    source.fetch().await.unwrap();
}

#[tokio::test]
async fn signers_may_be_listed_later() {
    let shop = Shop::new();
    shop.commit("shop.yaml", "a: 2\n");
    shop.source().fetch().await.unwrap();
    sign(&shop, &ann());
    guarded(&shop).fetch().await.unwrap();
    shop.commit("shop.yaml", "a: 3\n");
    shop.commit("shop.yaml", "a: 4\n");
    sign(&shop, &ann());
    assert_eq!(texts(&guarded(&shop).fetch().await.unwrap()), [("shop.yaml", "a: 4\n")]);
    assert!(!shop.home().join("repository.git/shallow").exists(), "the history is there");
}

#[tokio::test]
async fn a_commit_of_a_sha256_repository_is_verified() {
    let shop = Shop::with(&["--object-format=sha256"]);
    shop.commit("shop.yaml", "a: 1\n");
    let raw = raw(&shop);
    let signed = with_signature(&raw, &signature(&raw, &ann(), "git")).replacen("\ngpgsig ", "\ngpgsig-sha256 ", 1);
    replace(&shop, &signed);
    assert_eq!(guarded(&shop).fetch().await.unwrap().signer.as_deref(), Some("ann@example.org"));
}
