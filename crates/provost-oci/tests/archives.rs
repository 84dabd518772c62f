//! What comes in, is found, and goes again.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use provost_image::{Entry, ImageSpec, pack};
use provost_oci::{Collected, Digest, ImageStore, StoreError};
use serde_json::json;
use support::{Layer, archive, blob, config, descriptor, gzip, image, layout, load, loaded, store, tar, tree, zstd};

fn packed(reference: &str, content: &str) -> provost_image::Archive {
    let spec = ImageSpec {
        reference: reference.to_owned(),
        architecture: provost_image::architecture().to_owned(),
        entrypoint: vec!["/tool".to_owned()],
        env: BTreeMap::from([("A".to_owned(), "1".to_owned())]),
        user: "65532:65532".to_owned(),
        ..ImageSpec::default()
    };
    pack(&spec, &[Entry::file("tool", 0o755, content.as_bytes().to_vec())]).unwrap()
}

fn names(store: &ImageStore) -> Vec<Option<String>> {
    store.images().unwrap().into_iter().map(|listed| listed.name).collect()
}

#[test]
fn what_provost_packs_is_loaded() {
    let (_folder, store) = store();
    let archive = packed("provost/tool:1", "#!/bin/sh\n");
    assert_eq!(load(&store, archive.bytes.clone()).unwrap(), ["provost/tool:1"]);
    let image = store.find("provost/tool:1").unwrap().unwrap();
    assert_eq!(image.digest, archive.config_digest, "as Docker and Podman call it");
    assert_eq!(image.manifest_digest, archive.manifest_digest);
    assert_eq!(
        (image.config.entrypoint.as_slice(), image.config.user.as_str()),
        (&["/tool".to_owned()][..], "65532:65532")
    );
    assert_eq!(image.config.env, ["A=1"]);
    assert_eq!(fs::read(image.layers[0].join("tool")).unwrap(), b"#!/bin/sh\n");
    for reference in [
        "docker.io/provost/tool:1".to_owned(),
        archive.config_digest.to_string(),
        archive.manifest_digest.to_string(),
        format!("provost/tool@{}", archive.config_digest),
    ] {
        assert_eq!(store.find(&reference).unwrap(), Some(image.clone()), "{reference}");
    }
    for reference in ["provost/tool", "tool:1", &Digest::of(b"").to_string()] {
        assert_eq!(store.find(reference).unwrap(), None, "{reference}");
    }
    assert!(matches!(store.find("../tool"), Err(StoreError::Name(_))));
}

#[test]
fn loading_twice_is_loading_once() {
    let (folder, store) = store();
    let archive = packed("tool", "one");
    load(&store, archive.bytes.clone()).unwrap();
    let before = tree(folder.path());
    let index = fs::read(folder.path().join("store/index.json")).unwrap();
    assert_eq!(load(&store, archive.bytes).unwrap(), ["tool:latest"]);
    assert_eq!(tree(folder.path()), before);
    assert_eq!(fs::read(folder.path().join("store/index.json")).unwrap(), index);
}

#[test]
fn a_name_goes_to_what_was_loaded_last() {
    let (_folder, store) = store();
    let (one, two) = (packed("tool:1", "one"), packed("tool:1", "two"));
    load(&store, one.bytes).unwrap();
    load(&store, two.bytes).unwrap();
    assert_eq!(store.find("tool:1").unwrap().unwrap().digest, two.config_digest);
    assert!(store.find(&one.config_digest.to_string()).unwrap().is_some(), "the other one is there without a name");
    assert_eq!(names(&store), [None, Some("tool:1".to_owned())]);
}

#[test]
fn layers_may_be_compressed_and_so_may_the_archive() {
    let layers = [Layer::default().file("file", "content").tar()];
    for pack in [<[u8]>::to_vec, gzip, zstd] {
        for whole in [<[u8]>::to_vec, gzip, zstd] {
            let (_folder, store) = store();
            load(&store, whole(&layout("docker.io/library/a:1", image(&layers, pack)))).unwrap();
            let image = store.find("a:1").unwrap().unwrap();
            assert_eq!(fs::read(image.layers[0].join("file")).unwrap(), b"content");
            assert!(image.layers[0].ends_with(format!("layers/sha256/{}", Digest::of(&layers[0]).hex())));
        }
    }
}

/// `docker save` before Docker 25: a folder for each layer, links for those that are the same, no layout.
#[test]
fn older_archives_of_docker_are_loaded() {
    let one = Layer::default().file("one", "1").tar();
    let two = Layer::default().file("two", "2").tar();
    let config = config(&[one.clone(), two.clone(), one.clone()]).to_string().into_bytes();
    let id = Digest::of(&config);
    let list = json!([{"Config": format!("{}.json", id.hex()), "RepoTags": ["a:1", "b:2"],
                       "Layers": ["1/layer.tar", "2/layer.tar", "3/layer.tar"]}]);
    let mut bytes = tar(&[
        ("1/layer.tar".to_owned(), one.clone()),
        ("2/layer.tar".to_owned(), gzip(&two)),
        (format!("{}.json", id.hex()), config.clone()),
        ("manifest.json".to_owned(), list.to_string().into_bytes()),
    ]);
    bytes.truncate(bytes.len() - 1024);
    let bytes = [bytes, Layer::default().symlink("3/layer.tar", "../1/layer.tar").tar()].concat();
    let (_folder, store) = store();
    assert_eq!(load(&store, bytes.clone()).unwrap(), ["a:1", "b:2"]);
    let image = store.find("b:2").unwrap().unwrap();
    assert_eq!(image.digest, id);
    let files: Vec<_> =
        image.layers.iter().map(|layer| fs::read_dir(layer).unwrap().next().unwrap().unwrap().file_name()).collect();
    assert_eq!(files, ["two", "one"], "a layer that comes twice counts where it is uppermost");
    let (_folder, store) = support::store();
    let at = bytes.windows(4).position(|window| window == b"/run").unwrap();
    let mut damaged = bytes;
    damaged[at + 1] = b'R';
    assert!(matches!(load(&store, damaged), Err(StoreError::Digest { .. })));
}

/// The image for this machine is taken from an index, however deep, and what is none, like an attestation, is not.
#[test]
fn the_image_for_this_machine_is_chosen() {
    let own = image(&[Layer::default().file("own", "").tar()], gzip);
    let manifest = |bytes: &[u8], os: &str, architecture: &str| {
        let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", bytes);
        entry["platform"] = json!({"os": os, "architecture": architecture});
        entry
    };
    let index =
        |entries: Vec<serde_json::Value>| json!({"schemaVersion": 2, "manifests": entries}).to_string().into_bytes();
    let inner = index(vec![
        manifest(b"not in the archive", "linux", "s390x"),
        manifest(b"nor this", "unknown", "unknown"),
        manifest(&own[0].1, "linux", provost_image::architecture()),
    ]);
    let mut entry = descriptor("application/vnd.oci.image.index.v1+json", &inner);
    entry["annotations"] =
        json!({"io.containerd.image.name": "docker.io/library/a:1", "org.opencontainers.image.ref.name": "1"});
    let outer = index(vec![entry]);
    let whole = tar(&[own, vec![blob(&inner), ("index.json".to_owned(), outer)]].concat());
    let (_folder, store) = store();
    assert_eq!(load(&store, whole).unwrap(), ["a:1"]);

    let other = index(vec![manifest(b"x", "linux", "s390x"), manifest(b"y", "windows", "amd64")]);
    let error = load(&store, tar(&[("index.json".to_owned(), other)])).unwrap_err();
    let expected =
        format!("there is no image for linux/{}, only for linux/s390x, windows/amd64", provost_image::architecture());
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[test]
fn an_image_without_a_name_is_known_by_its_digest() {
    let blobs = image(&[Layer::default().file("file", "").tar()], gzip);
    let index = json!({"schemaVersion": 2, "manifests": [descriptor("", &blobs[0].1)]}).to_string().into_bytes();
    let (_folder, store) = store();
    let names = load(&store, tar(&[blobs, vec![("index.json".to_owned(), index)]].concat())).unwrap();
    assert!(names[0].starts_with("sha256:"));
    assert_eq!(store.find(&names[0]).unwrap().unwrap().digest.to_string(), names[0]);
}

#[test]
fn what_an_archive_lacks_is_named() {
    let blobs = image(&[Layer::default().file("file", "").tar()], gzip);
    for (at, what) in ["manifest", "configuration", "layer"].into_iter().enumerate() {
        let (_folder, store) = store();
        let missing = blobs[at].0.clone();
        let mut whole = blobs.clone();
        whole.retain(|(path, _)| *path != missing);
        let entry = descriptor("", &blobs[0].1);
        whole.push((
            "index.json".to_owned(),
            json!({"schemaVersion": 2, "manifests": [entry]}).to_string().into_bytes(),
        ));
        let error = load(&store, tar(&whole)).unwrap_err().to_string();
        assert!(error.contains(&format!("{what} sha256:")) && error.contains("is missing"), "{error}");
    }
}

#[test]
fn a_name_is_taken_away_and_the_image_collected() {
    let (folder, store) = store();
    let empty = tree(folder.path());
    load(&store, packed("tool:1", "one").bytes).unwrap();
    assert!(store.remove("docker.io/library/tool:1").unwrap());
    assert!(!store.remove("tool:1").unwrap());
    assert_eq!(store.find("tool:1").unwrap(), None);
    assert_eq!(names(&store), [None]);
    let collected = store.collect(&BTreeSet::new()).unwrap();
    assert_eq!((collected.images, collected.blobs, collected.layers), (1, 3, 1));
    assert!(collected.bytes > 0);
    assert_eq!(tree(folder.path()), empty);
}

#[test]
fn what_kept_images_need_is_kept() {
    let (_folder, store) = store();
    let shared = || Layer::default().file("shared", "");
    let load = |name: &str, own: &str| {
        support::load(&store, archive(name, vec![shared(), Layer::default().file(own, "")])).unwrap();
        store.find(name).unwrap().unwrap()
    };
    let (one, two, three) = (load("one:1", "1"), load("two:1", "2"), load("three:1", "3"));
    // Any of an image's digests keeps it.
    let collected = store.collect(&BTreeSet::from([one.digest.clone(), two.manifest_digest.clone()])).unwrap();
    assert_eq!(collected, Collected { images: 1, blobs: 3, layers: 1, ..collected });
    assert_eq!(store.find("one:1").unwrap(), Some(one.clone()));
    assert_eq!(store.find("two:1").unwrap(), Some(two.clone()));
    assert_eq!(store.find("three:1").unwrap(), None);
    assert!(one.layers.iter().chain(&two.layers).all(|layer| layer.is_dir()));
    assert_eq!((three.layers[0].is_dir(), three.layers[1].exists()), (true, false));
    assert_eq!(store.collect(&BTreeSet::from([one.digest, two.digest])).unwrap(), Collected::default());
}

#[test]
fn a_layer_whose_folder_is_gone_is_unpacked_again() {
    let (_folder, store) = store();
    let image = loaded(&store, vec![Layer::default().file("one", "1"), Layer::default().file("two", "2")]);
    fs::remove_dir_all(&image.layers[1]).unwrap();
    assert_eq!(store.find("test:1").unwrap(), Some(image.clone()));
    assert_eq!(fs::read(image.layers[1].join("two")).unwrap(), b"2");
}

#[test]
fn a_store_is_there_after_it_was_opened_again() {
    let (folder, store) = store();
    let image = loaded(&store, vec![Layer::default().file("file", "")]);
    drop(store);
    let store = ImageStore::open(folder.path().join("store")).unwrap();
    assert_eq!(store.find("test:1").unwrap(), Some(image));
}

#[test]
fn what_a_crash_left_is_thrown_away() {
    let (folder, store) = store();
    let layer = Layer::default().file("file", "");
    let left = folder.path().join("store/tmp/new/layers").join(Digest::of(&layer.tar()).hex());
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("left"), "").unwrap();
    let image = loaded(&store, vec![Layer::default().file("file", "")]);
    assert_eq!(fs::read_dir(&image.layers[0]).unwrap().count(), 1);
    assert_eq!(fs::read_dir(folder.path().join("store/tmp")).unwrap().count(), 0);
}

#[test]
fn a_damaged_list_is_said() {
    let (folder, store) = store();
    fs::write(folder.path().join("store/index.json"), "{").unwrap();
    let error = store.find("a").unwrap_err().to_string();
    assert!(error.contains("index.json is damaged"), "{error}");
}

#[test]
fn many_load_and_collect_at_once() {
    let (folder, _store) = store();
    let path = folder.path().join("store");
    let load_some = |worker: usize| {
        let store = ImageStore::open(&path).unwrap();
        for round in 0..5 {
            let name = format!("worker{worker}:{round}");
            load(&store, archive(&name, vec![Layer::default().file("shared", ""), Layer::default().file(&name, "")]))
                .unwrap();
            if worker == 0 {
                let all = store.images().unwrap().into_iter().map(|listed| listed.digest).collect();
                // What came since the list was looked at goes, and nothing else.
                store.collect(&all).unwrap();
            }
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|worker| drop(scope.spawn(move || load_some(worker)))));
    let store = ImageStore::open(&path).unwrap();
    for listed in store.images().unwrap() {
        let image = store.find(&listed.name.unwrap()).unwrap().unwrap();
        assert!(image.layers.iter().all(|layer| fs::read_dir(layer).unwrap().count() == 1));
    }
}
