//! Archives that would do harm: refused with the name of the entry, and nothing is left of them.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::ops::Add as _;
use std::path::{Path, PathBuf};

use provost_oci::{ImageStore, Limits, Refusal, StoreError};
use support::{Layer, archive, gzip, image, layout, load, store, tree, zstd};
use tar::EntryType;

/// Loads the archive into a store that has another image already, and into an empty one, and returns why it is refused.
fn refused_by(archive: &[u8], limits: Limits) -> StoreError {
    let (folder, store) = store();
    let store = store.with_limits(limits);
    fs::write(folder.path().join("outside"), "untouched").unwrap();
    load(&store, support::archive("other:1", vec![Layer::default().file("file", "other")])).unwrap();
    let before = tree(folder.path());
    let index = fs::read(folder.path().join("store/index.json")).unwrap();
    let error = load(&store, archive.to_vec()).unwrap_err();
    assert_eq!(tree(folder.path()), before, "nothing is left of what was refused");
    assert_eq!(fs::read(folder.path().join("store/index.json")).unwrap(), index);
    assert_eq!(fs::read(folder.path().join("outside")).unwrap(), b"untouched");
    assert!(!error.may_pass(), "{error}: trying again does not help");
    assert!(store.find("other:1").unwrap().is_some());
    error
}

fn refused(layer: Layer, entry: &str) -> Refusal {
    refused_with(layer, entry, Limits::default())
}

fn refused_with(layer: Layer, expected: &str, limits: Limits) -> Refusal {
    let error = refused_by(&layout("bad:1", image(&[layer.tar()], gzip)), limits);
    let text = error.to_string();
    match error {
        StoreError::Layer { entry, source, .. } => {
            assert_eq!(entry, expected, "{text}");
            assert!(text.contains(&format!("`{expected}`: {source}")), "{text}");
            source
        }
        other => panic!("{other} should name an entry"),
    }
}

#[test]
fn paths_that_climb_are_refused() {
    for path in ["../outside", "a/../../outside", "..", "a/.."] {
        let layer = Layer::default().file("good", "").file(path, "harm");
        assert!(matches!(refused(layer, path), Refusal::Path), "{path}");
    }
}

#[test]
fn absolute_paths_are_refused() {
    assert!(matches!(refused(Layer::default().file("/tmp/outside", "harm"), "/tmp/outside"), Refusal::Path));
    assert!(matches!(refused(Layer::default().folder("/"), "/"), Refusal::Path));
}

#[test]
fn paths_through_links_that_lead_out_are_refused() {
    for (link, target, path) in [
        ("up", "..", "up/outside"),
        ("up", "../../../../../..", "up/tmp/outside"),
        ("a/up", "../..", "a/up/outside"),
        ("up", "a/../..", "up/outside"),
        ("up", "/../outside", "up/x"),
    ] {
        let layer = Layer::default().folder("a").symlink(link, target).file(path, "harm");
        assert!(matches!(refused(layer, path), Refusal::LinkOut), "{link} -> {target}");
    }
    let chain = Layer::default().symlink("one", "two/..").symlink("two", "..").folder("one/x");
    assert!(matches!(refused(chain, "one/x"), Refusal::LinkOut));
    let opaque = Layer::default().symlink("up", "..").file("up/.wh..wh..opq", "");
    assert!(matches!(refused(opaque, "up/.wh..wh..opq"), Refusal::LinkOut));
    let whiteout = Layer::default().symlink("up", "..").file("up/.wh.outside", "");
    assert!(matches!(refused(whiteout, "up/.wh.outside"), Refusal::LinkOut));
}

#[test]
fn a_link_to_an_absolute_path_stays_within_the_image() {
    let (folder, store) = store();
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let outside = outside.to_str().unwrap();
    let image = support::loaded(&store, vec![Layer::default().symlink("out", outside).file("out/file", "content")]);
    assert!(fs::read_dir(outside).unwrap().next().is_none());
    let inside = image.layers[0].join(outside.trim_start_matches('/')).join("file");
    assert_eq!(fs::read(inside).unwrap(), b"content");
}

#[test]
fn links_that_lead_in_circles_are_refused() {
    let layer = Layer::default().symlink("a", "b").symlink("b", "a").file("a/x", "");
    assert!(matches!(refused(layer, "a/x"), Refusal::LinkLoop));
}

/// Writing to the second name would write to the first.
#[test]
fn hard_links_to_what_is_outside_are_refused() {
    for target in ["../outside", "a/../../outside"] {
        assert!(matches!(refused(Layer::default().link("hard", target), "hard"), Refusal::Path), "{target}");
    }
    for target in ["/etc/passwd", "missing", "missing/file", "folder"] {
        let layer = Layer::default().folder("folder").link("hard", target);
        assert!(matches!(refused(layer, "hard"), Refusal::HardLink(_)), "{target}");
    }
    let through = Layer::default().symlink("up", "..").link("hard", "up/outside");
    assert!(matches!(refused(through, "hard"), Refusal::LinkOut));
}

/// A file over a link is a new file; what the link leads to is not written to.
#[test]
fn a_file_in_the_place_of_a_link_does_not_follow_it() {
    let (folder, store) = store();
    let outside = folder.path().join("outside");
    fs::write(&outside, "untouched").unwrap();
    let link = Layer::default().symlink("x", outside.to_str().unwrap()).file("x", "content");
    let image = support::loaded(&store, vec![link.symlink("y", "../../../outside").folder("y")]);
    assert_eq!(fs::read(&outside).unwrap(), b"untouched");
    assert!(fs::symlink_metadata(image.layers[0].join("x")).unwrap().is_file());
    assert!(fs::symlink_metadata(image.layers[0].join("y")).unwrap().is_dir());
}

#[test]
fn whiteouts_that_name_no_file_are_refused() {
    for path in [".wh.", ".wh..", ".wh...", "a/.wh..."] {
        assert!(matches!(refused(Layer::default().file(path, ""), path), Refusal::Path), "{path}");
    }
}

#[test]
fn devices_are_refused() {
    for kind in [EntryType::Char, EntryType::Block] {
        let layer = Layer::default().entry(kind, "dev/mem", "", 0o666, b"");
        assert!(matches!(refused(layer, "dev/mem"), Refusal::Device), "{kind:?}");
    }
}

#[test]
fn what_images_do_not_have_is_refused() {
    let odd = Layer::default().entry(EntryType::new(b'Q'), "odd", "", 0o644, b"");
    assert!(matches!(refused(odd, "odd"), Refusal::Kind('Q')));
    let sparse = Layer::default().pax(&[("GNU.sparse.major", b"1")]).file("sparse", "");
    assert!(matches!(refused(sparse, "sparse"), Refusal::Sparse));
    assert!(matches!(refused(Layer::default().file(".", ""), "."), Refusal::Root));
    assert!(matches!(refused(Layer::default().symlink("./", "/etc"), "./"), Refusal::Root));
    let in_file = Layer::default().file("file", "").file("file/x", "");
    assert!(matches!(refused(in_file, "file/x"), Refusal::NoFolder));
}

/// `redirect` would show another folder of a lower layer, `metacopy` another file.
#[test]
fn attributes_of_the_overlay_file_system_are_refused() {
    for name in ["trusted.overlay.redirect", "user.overlay.metacopy"] {
        let layer = Layer::default().pax(&[(&format!("SCHILY.xattr.{name}"), b"/etc")]).file("file", "");
        assert!(matches!(refused(layer, "file"), Refusal::Attribute(attribute) if attribute == name));
    }
}

#[test]
fn large_images_are_refused() {
    let limits = Limits { bytes: 10_000, ..Limits::default() };
    let layer = || Layer::default().file("small", "").file("large", &"x".repeat(10_000));
    assert!(matches!(refused_with(layer(), "large", limits), Refusal::Large(10_000)));
    // Two layers that are within it by themselves.
    let half = |name: &str| Layer::default().file(name, &"x".repeat(6_000)).tar();
    let error = refused_by(&layout("bad:1", image(&[half("one"), half("two")], gzip)), limits);
    assert!(matches!(error, StoreError::Layer { entry, source: Refusal::Large(10_000), .. } if entry == "two"));
}

#[test]
fn bombs_are_refused() {
    let limits = Limits { ratio: 100, ratio_from: 100_000, ..Limits::default() };
    let bomb = Layer::default().file("bomb", &"\0".repeat(2_000_000)).tar();
    for pack in [gzip, zstd] {
        let error = refused_by(&layout("bad:1", image(std::slice::from_ref(&bomb), pack)), limits);
        assert!(
            matches!(&error, StoreError::Layer { entry, source: Refusal::Bomb(100), .. } if entry == "bomb"),
            "{error}"
        );
    }
    // An archive that is packed as a whole.
    let whole = gzip(&archive("bad:1", vec![Layer::default().file("bomb", &"\0".repeat(2_000_000))]));
    let error = refused_by(&whole, limits);
    assert!(matches!(error, StoreError::Archive(_)), "{error}");
}

#[test]
fn too_many_files_are_refused() {
    let limits = Limits { files: 10, ..Limits::default() };
    let files = |many: usize| (1..=many).fold(Layer::default(), |layer, at| layer.file(&format!("f{at}"), ""));
    assert!(matches!(refused_with(files(11), "f11", limits), Refusal::Many(10)));
    let (_folder, store) = store();
    load(&store.with_limits(limits), archive("good:1", vec![files(10)])).unwrap();
}

#[test]
fn long_and_deep_paths_are_refused() {
    let long = vec!["x".repeat(200); 21].join("/");
    let layer = Layer::default().pax(&[("path", long.as_bytes())]).file("x", "");
    assert!(matches!(refused(layer, &long[..200]), Refusal::Long(4095)));
    let deep = vec!["d"; 200].join("/");
    let layer = Layer::default().pax(&[("path", deep.as_bytes())]).file("x", "");
    assert!(matches!(refused(layer, &deep[..200]), Refusal::Deep(128)));
    let name = "n".repeat(256);
    let layer = Layer::default().pax(&[("path", name.as_bytes())]).file("x", "");
    assert!(matches!(refused(layer, &name[..200]), Refusal::Disk(_)));
}

#[test]
fn too_many_layers_are_refused() {
    let limits = Limits { layers: 2, ..Limits::default() };
    let layers = ["a", "b", "c"].map(|name| Layer::default().file(name, "")).into();
    assert!(matches!(refused_by(&archive("bad:1", layers), limits), StoreError::Foreign { .. }));
}

#[test]
fn content_that_is_not_what_its_digest_says_is_refused() {
    let layer = vec![Layer::default().file("file", "content").tar()];
    for at in 0..3 {
        let mut blobs = image(&layer, gzip);
        let last = blobs[at].1.len() - 1;
        blobs[at].1[last] ^= 1;
        let error = refused_by(&layout("bad:1", blobs), Limits::default());
        assert!(matches!(error, StoreError::Digest { .. }), "{at}: {error}");
    }
}

#[test]
fn a_layer_that_is_another_when_it_is_unpacked_is_refused() {
    let one = Layer::default().file("file", "content").tar();
    let other = Layer::default().file("file", "other").tar();
    let config = support::config(std::slice::from_ref(&other)).to_string().into_bytes();
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "config": support::descriptor("", &config),
        "layers": [support::descriptor("", &one)],
    });
    let blobs = [manifest.to_string().into_bytes(), config, one].map(|bytes| support::blob(&bytes));
    let error = refused_by(&layout("bad:1", blobs.into()), Limits::default());
    assert!(matches!(&error, StoreError::Digest { what, .. } if what.contains("unpacked")), "{error}");
}

#[test]
fn names_of_the_archive_itself_are_never_paths() {
    let (folder, store) = store();
    let good = archive("good:1", vec![Layer::default().file("file", "content")]);
    let harm = Layer::default().file("../../harm", "harm").file("/tmp/provost-oci-harm", "harm");
    let harm = harm.symlink("blobs/sha256", "/etc").tar();
    load(&store, [&harm[..harm.len() - 1024], &good].concat()).unwrap();
    assert!(!folder.path().join("harm").exists() && !Path::new("/tmp/provost-oci-harm").exists());
    assert!(store.find("good:1").unwrap().is_some());
}

#[test]
fn what_is_no_archive_is_refused() {
    let no_index = support::tar(&[("readme".to_owned(), b"text".to_vec())]);
    for bad in [b"no archive".to_vec(), Vec::new(), no_index, gzip(b"text"), vec![0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]] {
        let error = refused_by(&bad, Limits::default());
        assert!(matches!(error, StoreError::Archive(_)), "{error}");
    }
    for json in ["", "{", "[]", "{\"manifests\": 1}"] {
        let bad = support::tar(&[("index.json".to_owned(), json.as_bytes().to_vec())]);
        assert!(matches!(refused_by(&bad, Limits::default()), StoreError::Foreign { .. }), "{json:?}");
    }
}

#[test]
fn an_archive_that_was_cut_is_refused_wherever_that_was() {
    let whole = archive("bad:1", vec![Layer::default().file("file", "content")]);
    for part in 1..20 {
        let (_folder, store) = store();
        let cut = whole[..(whole.len() - 1024) * part / 20].to_vec();
        assert!(load(&store, cut).is_err(), "{part}/20");
        assert_eq!(store.images().unwrap(), []);
    }
}

#[test]
fn a_store_opens_after_a_refusal() {
    let (folder, store) = store();
    load(&store, archive("bad:1", vec![Layer::default().file("../x", "")])).unwrap_err();
    let store = ImageStore::open(folder.path().join("store")).unwrap();
    assert_eq!(store.images().unwrap(), []);
}

/// Whatever comes together in a layer: what is outside of it stays as it was.
#[test]
fn no_layer_writes_outside_of_itself() {
    let (folder, store) = store();
    for victim in ["victim", "store/victim", "store/layers/victim", "store/layers/sha256/victim"] {
        fs::create_dir_all(folder.path().join(victim)).unwrap();
        fs::write(folder.path().join(victim).join("a"), "untouched").unwrap();
    }
    load(&store, archive("other:1", vec![Layer::default().file("a", "other").folder("b").symlink("l", "..")])).unwrap();
    let before = contents(folder.path());
    let mut accepted = 0;
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let layer = (0..random.usize(2..8)).fold(Layer::default(), |layer, _| any_entry(layer, &mut random));
        match load(&store, archive("test:1", vec![layer])) {
            Ok(_) => {
                accepted += 1;
                let own = store.find("test:1").unwrap().unwrap().layers.remove(0);
                fs::remove_dir_all(own).unwrap();
            }
            Err(StoreError::Layer { .. }) => {}
            Err(other) => panic!("seed {seed}: {other}"),
        }
        let after = contents(folder.path());
        let changed: Vec<_> = before.iter().filter(|(path, content)| after.get(*path) != Some(content)).collect();
        assert!(changed.is_empty(), "seed {seed}: {changed:?}");
        let outside = after.keys().filter(|path| !path.starts_with("store/blobs"));
        assert_eq!(
            outside.count(),
            before.keys().filter(|path| !path.starts_with("store/blobs")).count(),
            "seed {seed}"
        );
    }
    assert!((40..160).contains(&accepted), "some are accepted and some refused: {accepted}");
}

/// An entry with names that mean something to whoever unpacks it.
fn any_entry(layer: Layer, random: &mut fastrand::Rng) -> Layer {
    let names = ["a", "a", "b", "b", "l", "l", "victim", ".wh.a", ".wh..wh..opq", ".", "..", "/"];
    // Those at the end are refused at once: a few will do.
    let mut path = |most: usize| {
        let length = random.usize(1..=most);
        let mut name = || names[if random.u8(0..20) == 0 { random.usize(..names.len()) } else { random.usize(..9) }];
        (0..length).map(|_| name()).collect::<Vec<_>>().join("/")
    };
    let (at, to) = (path(3), path(4));
    match random.u8(0..5) {
        0 => layer.file(&at, "harm"),
        1 => layer.folder(&at),
        2 => layer.symlink(&at, &["", "../", "../../", "/", "../../../../../"][random.usize(..5)].to_owned().add(&to)),
        3 => layer.symlink("l", &"../".repeat(random.usize(1..6))),
        _ => layer.link(&at, &to),
    }
}

/// Everything in `folder` but the list, with modes and contents.
fn contents(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let read = |path: &Path| fs::symlink_metadata(path).unwrap().is_file().then(|| fs::read(path).unwrap());
    let with = |(path, mode): (PathBuf, u32)| {
        let content = read(&folder.join(&path)).unwrap_or_default();
        (path, (mode, content))
    };
    tree(folder).into_iter().map(with).filter(|(path, _)| !path.ends_with("index.json")).collect()
}
