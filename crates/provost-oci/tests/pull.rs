//! Images of registries, of a real one and of one that misbehaves.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use provost_oci::{Access, Digest, ImageStore, StoreError};
use provost_testkit::Registry;
use serde_json::{Value, json};
use support::registry::{Conduct, FakeRegistry};
use support::scene::run;
use support::{Layer, blob, descriptor, gzip, image, store, tar};

/// How large the layer of [`blobs`] is, about.
const SIZE: usize = 300_000;

/// An image with one layer that is not compressed.
fn blobs() -> Vec<(String, Vec<u8>)> {
    let content: String =
        (0..SIZE / 8).map(|at| format!("{:08x}", at.wrapping_mul(2_654_435_761) & 0xffff_ffff)).collect();
    image(&[Layer::default().file("large", &content).tar()], <[u8]>::to_vec)
}

async fn pull(store: &ImageStore, reference: &str) -> Result<Digest, StoreError> {
    store.pull(reference, &Access::anonymous().over_plain_http(), &|_| {}).await
}

fn fake(conduct: Conduct) -> (Vec<(String, Vec<u8>)>, FakeRegistry) {
    let blobs = blobs();
    let registry = FakeRegistry::start(&blobs, conduct);
    (blobs, registry)
}

fn count(folder: &Path, inside: &str) -> usize {
    fs::read_dir(folder.join("store").join(inside)).unwrap().count()
}

fn push(archive: &[u8], place: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("archive");
    fs::write(&file, archive).unwrap();
    let (from, to) = (format!("oci-archive:{}", file.display()), format!("docker://{place}"));
    run(Command::new("skopeo").args(["copy", "--all", "--dest-tls-verify=false", &from, &to]));
}

fn digest_at(place: &str) -> String {
    let place = format!("docker://{place}");
    let shown = run(Command::new("skopeo").args(["inspect", "--raw", "--tls-verify=false", &place]));
    Digest::of(shown.as_bytes()).to_string()
}

#[tokio::test]
async fn an_image_of_a_registry() {
    let registry = Registry::start();
    let place = registry.place("example/a:1");
    let blobs = image(&[Layer::default().file("one", "1").tar(), Layer::default().file("two", "2").tar()], gzip);
    push(&support::layout("a:1", blobs.clone()), &place);
    let (_folder, store) = store();
    let said = Mutex::new(Vec::new());
    let say = |sentence| said.lock().unwrap().push(sentence);
    let digest = store.pull(&place, &Access::anonymous().over_plain_http(), &say).await.unwrap();
    assert_eq!(digest.to_string(), digest_at(&place));
    let image = store.find(&place).unwrap().unwrap();
    assert_eq!((&image.digest, &image.manifest_digest), (&digest, &digest), "as its registry calls it");
    assert_eq!(fs::read(image.layers[1].join("two")).unwrap(), b"2");
    let said = said.into_inner().unwrap();
    assert_eq!(
        (said[0].clone(), said.last().unwrap().clone()),
        (format!("pulling {place}"), format!("pulled {place}"))
    );
    assert!(said.iter().any(|sentence| sentence.starts_with(&format!("pulling {place}: 3 of 3 layers"))), "{said:?}");

    // By its digest, into another store.
    let by_digest = format!("{}@{digest}", registry.place("example/a"));
    let (_folder, other) = support::store();
    assert_eq!(pull(&other, &by_digest).await.unwrap(), digest);
    assert_eq!(other.find(&by_digest).unwrap().unwrap().digest, digest);
    let missing = pull(&other, &registry.place("example/a:2")).await.unwrap_err();
    assert!(missing.to_string().contains("check its name and tag") && !missing.may_pass(), "{missing}");
}

#[tokio::test]
async fn an_image_for_this_machine_of_several() {
    let own = image(&[Layer::default().file("own", "").tar()], gzip);
    let other = image(&[Layer::default().file("other", "").tar()], gzip);
    let entry = |blobs: &[(String, Vec<u8>)], architecture: &str| {
        let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", &blobs[0].1);
        entry["platform"] = json!({"os": "linux", "architecture": architecture});
        entry
    };
    let list: Value = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [entry(&other, "s390x"), entry(&own, provost_image::architecture())],
    });
    let list = list.to_string().into_bytes();
    let index =
        json!({"schemaVersion": 2, "manifests": [descriptor("application/vnd.oci.image.index.v1+json", &list)]});
    let layout = ("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
    let own_manifest = Digest::of(&own[0].1);
    let archive =
        tar(&[own, other, vec![blob(&list), layout, ("index.json".to_owned(), index.to_string().into_bytes())]]
            .concat());
    let registry = Registry::start();
    let place = registry.place("example/many:1");
    push(&archive, &place);
    let (_folder, store) = store();
    let digest = pull(&store, &place).await.unwrap();
    let image = store.find(&place).unwrap().unwrap();
    assert_eq!((image.digest, image.manifest_digest), (Digest::of(&list), own_manifest));
    assert_eq!(digest, Digest::of(&list), "the registry's name leads to the list");
    assert!(image.layers[0].join("own").exists());
}

#[tokio::test]
async fn a_download_that_broke_goes_on_where_it_broke() {
    let (blobs, registry) = fake(Conduct { cuts: [100_000, 50_000].into(), ranges: true, ..Conduct::default() });
    let (folder, store) = store();
    pull(&store, &registry.reference()).await.unwrap();
    assert_eq!(registry.ranges(), [Some(0), Some(100_000), Some(150_000)]);
    let layer = fs::read(store.find(&registry.reference()).unwrap().unwrap().layers[0].join("large")).unwrap();
    assert_eq!(blobs[2].1[512..512 + layer.len()], layer);
    assert_eq!(count(folder.path(), "partial"), 0);
    pull(&store, &registry.reference()).await.unwrap();
    assert_eq!(registry.ranges().len(), 3, "what is there is not fetched");
}

#[tokio::test]
async fn a_registry_without_ranges_is_asked_from_the_beginning() {
    let (_, registry) = fake(Conduct { cuts: [100_000].into(), ..Conduct::default() });
    let (_folder, store) = store();
    pull(&store, &registry.reference()).await.unwrap();
    assert_eq!(registry.ranges(), [Some(0), Some(100_000)]);
}

#[tokio::test]
async fn the_next_pull_goes_on_where_one_gave_up() {
    let (_, registry) = fake(Conduct { cuts: [100_000, 0, 0, 0, 0].into(), ranges: true, ..Conduct::default() });
    let (folder, store) = store();
    let error = pull(&store, &registry.reference()).await.unwrap_err();
    assert!(error.may_pass() && error.to_string().contains("broke off at 100000 of"), "{error}");
    assert_eq!(store.images().unwrap(), []);
    assert!(count(folder.path(), "partial") > 0);
    let before = registry.ranges().len();
    pull(&store, &registry.reference()).await.unwrap();
    assert_eq!(registry.ranges()[before..], [Some(100_000)]);

    // Garbage collection takes beginnings away.
    fs::write(folder.path().join("store/partial").join("0".repeat(64)), "beginning").unwrap();
    store.collect(&store.images().unwrap().into_iter().map(|listed| listed.digest).collect()).unwrap();
    assert_eq!(count(folder.path(), "partial"), 0);
}

#[tokio::test]
async fn a_damaged_blob_is_refused() {
    let (blobs, registry) = fake(Conduct { ranges: true, ..Conduct::default() });
    let digest = Digest::of(&blobs[2].1);
    let mut damaged = blobs[2].1.clone();
    damaged[1000] ^= 1;
    registry.exchange(&digest, damaged);
    let (folder, store) = store();
    let error = pull(&store, &registry.reference()).await.unwrap_err();
    assert!(matches!(&error, StoreError::Digest { expected, .. } if *expected == digest), "{error}");
    assert!(!folder.path().join("store/partial").join(digest.hex()).exists());
    assert_eq!((count(folder.path(), "blobs/sha256"), count(folder.path(), "layers/sha256")), (0, 0));

    // What an earlier pull left may be the mistake: then it is fetched anew.
    registry.exchange(&digest, blobs[2].1.clone());
    fs::write(folder.path().join("store/partial").join(digest.hex()), "something else").unwrap();
    pull(&store, &registry.reference()).await.unwrap();

    let (_folder, store) = support::store();
    registry.exchange(&digest, [blobs[2].1.clone(), vec![0; 100]].concat());
    let error = pull(&store, &registry.reference()).await.unwrap_err();
    assert!(error.to_string().contains("has more than its"), "{error}");
}

#[tokio::test]
async fn a_registry_that_wants_a_password() {
    let (_, registry) = fake(Conduct { login: Some("robot:hidden".to_owned()), ..Conduct::default() });
    let (_folder, store) = store();
    let error = pull(&store, &registry.reference()).await.unwrap_err();
    assert!(error.to_string().contains("docker login 127.0.0.1") && !error.may_pass(), "{error}");
    let access = |password: &str| Access::password("robot", password).over_plain_http();
    let error = store.pull(&registry.reference(), &access("wrong"), &|_| {}).await.unwrap_err();
    assert!(error.to_string().contains("docker login") && !error.to_string().contains("wrong"), "{error}");
    store.pull(&registry.reference(), &access("hidden"), &|_| {}).await.unwrap();
}

#[tokio::test]
async fn a_registry_that_is_not_there() {
    let (_folder, store) = store();
    let error = pull(&store, &format!("127.0.0.1:{}/a:1", provost_testkit::free_port())).await.unwrap_err();
    assert!(error.may_pass() && error.to_string().contains("cannot be reached"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_pull_the_same_at_once() {
    let (_, registry) = fake(Conduct { ranges: true, ..Conduct::default() });
    let (folder, _store) = store();
    let pulls: Vec<_> = (0..4)
        .map(|_| {
            let (path, reference) = (folder.path().join("store"), registry.reference());
            tokio::spawn(async move { pull(&ImageStore::open(path).unwrap(), &reference).await })
        })
        .collect();
    for pulled in pulls {
        pulled.await.unwrap().unwrap();
    }
    let store = ImageStore::open(folder.path().join("store")).unwrap();
    assert!(store.find(&registry.reference()).unwrap().is_some());
    assert_eq!(count(folder.path(), "tmp"), 0);
}

/// Two pulls, each with what the other waits for, would wait for ever.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_downloaded_is_not_held_while_something_else_is_waited_for() {
    let (blobs, registry) = fake(Conduct { ranges: true, ..Conduct::default() });
    let (folder, store) = store();
    let partial = |at: usize| folder.path().join("store/partial").join(Digest::of(&blobs[at].1).hex());
    let lock = |path: &Path| {
        let file = fs::File::options().create(true).truncate(false).write(true).open(path).unwrap();
        rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok().then_some(file)
    };
    // Somebody else downloads the configuration.
    let other = lock(&partial(1)).unwrap();
    let reference = registry.reference();
    let pulling = tokio::spawn(async move { pull(&store, &reference).await });
    let layer = partial(2);
    let size = blobs[2].1.len() as u64;
    let is_free = || fs::metadata(&layer).is_ok_and(|meta| meta.len() == size) && lock(&layer).is_some();
    let freed = provost_testkit::eventually(std::time::Duration::from_secs(20), || is_free().then_some(()));
    drop(other);
    pulling.await.unwrap().unwrap();
    assert_eq!(freed, Some(()));
}
