//! Scripts, source maps and bundles.

use finishline::sourcemap::archive_reader::read_contents;
use finishline::sourcemap::bundle::{
    BundleTarget, BundleWriter, BundledFile, BundledKind, PackedBundleFile,
};
use finishline::sourcemap::bundle_reader::read_bundle;
use finishline::sourcemap::group::{self, GroupFault, PreparedGroup};
use finishline::sourcemap::{snippet, trailer};

/// The files as they are afterwards.
fn written<'a>(scripts: &[&'a str], map: &'a str, group: &PreparedGroup) -> (Vec<String>, String) {
    let texts = scripts.iter().zip(&group.scripts);
    let texts = texts.map(|(old, new)| new.text.clone().unwrap_or((*old).to_owned()));
    (texts.collect(), group.map.text.clone().unwrap_or(map.to_owned()))
}

/// A script gets an id once, at both places, and loses no byte.
pub(crate) fn script(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(group) = group::inject(&[&text], None) else { return };
    let one = &group.scripts[0];
    let new = one.text.as_deref().unwrap_or(&text);
    let id = one.id.clone();
    assert_eq!(snippet::registered_id(new), id, "{new}");
    assert_eq!(trailer::debug_id(new).map(|(_, id)| id), id, "{new}");
    assert!(new.len() >= text.len());
    let again = group::inject(&[new], None).expect("what was injected is still right");
    assert_eq!(again.scripts[0].text, None, "{new}");
    let bare = trailer::without_mapping_url(new);
    assert!(trailer::mapping_url(&bare).is_none());
}

/// Two scripts and the map that they share, apart by zeros: after a run the next one changes nothing.
pub(crate) fn source_map(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut parts = text.splitn(3, '\0');
    let (map, first) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let scripts: Vec<&str> = std::iter::once(first).chain(parts.next()).collect();
    let Ok(group) = group::inject(&scripts, Some(map)) else { return };
    let (scripts, map) = written(&scripts, map, &group);
    let scripts: Vec<_> = scripts.iter().map(String::as_str).collect();
    let again = match group::inject(&scripts, Some(&map)) {
        Ok(again) => again,
        // Places of a map that means nothing may be right before a line is added, and not behind it.
        Err(GroupFault::Proof(..)) => return,
        Err(fault) => panic!("what was injected is not right any more: {fault}"),
    };
    assert!(again.scripts.iter().all(|script| script.text.is_none()), "{scripts:?}");
    assert_eq!(again.map.text, None, "{map}");
}

/// Files, apart by zeros, come out of a bundle as they went in, under names that are safe.
pub(crate) fn archive(data: &[u8]) {
    let target = BundleTarget { organization: "acme".to_owned(), ..BundleTarget::default() };
    let mut writer = BundleWriter::new(Vec::new(), &target).expect("memory takes it");
    let files: Vec<&[u8]> = data.split(|byte| *byte == 0).take(20).collect();
    for bytes in &files {
        let url = format!("~/{}", String::from_utf8_lossy(&bytes[..bytes.len().min(40)]));
        let kind = BundledKind::MinifiedSource;
        let file = BundledFile { kind, url: &url, id: None, sourcemap: None };
        let packed = PackedBundleFile::pack(bytes).expect("it is small");
        writer.add(&file, &packed).expect("memory takes it");
    }
    let bundle = writer.finish().expect("memory takes it").target;
    let mut source = bundle.as_slice();
    let read = read_bundle(&mut source).expect("what was written can be read");
    assert_eq!(read.files.len(), files.len());
    let mut contents: Vec<_> = read
        .files
        .into_iter()
        .map(|file| read_contents(&mut source, file.contents, 1 << 20).expect("it is whole"))
        .collect();
    let mut files: Vec<_> = files.iter().map(|bytes| bytes.to_vec()).collect();
    contents.sort();
    files.sort();
    assert_eq!(contents, files);
}
