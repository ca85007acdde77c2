//! Readers of small texts of others: files of other tools, addresses, dates, what a host leaves in a
//! value, the resume file, and a repository's own files.

use finishline::backend::sentry::{ResumeFile, SuspendedPipeline};
use finishline::env::Env;
use finishline::git::{Checkout, CommitRange};
use finishline::inputs::compat::files as sentry_cli;
use finishline::job::{self, Host};
use finishline::secret::Secret;
use finishline::sourcemap::bundle_reader::read_bundle;
use finishline::text::date;
use tokio::runtime::Builder;

/// A word that stands in no file by itself.
const MARK: &str = "Zq7Xk9Wv3Jp5";

/// Whether the data has the mark, which libFuzzer reads out of a comparison: it is no secret then.
fn has_mark(data: &[u8]) -> bool {
    data.windows(MARK.len()).any(|window| window == MARK.as_bytes())
}

fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

/// What the two files of sentry-cli say for inputs, when they hold these texts.
fn defaults(ini: &str, properties: &str) -> Vec<(&'static str, String)> {
    let file = |path: &str| match path {
        ".sentryclirc" => Ok(ini.to_owned()),
        "sentry.properties" => Ok(properties.to_owned()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    };
    let read = sentry_cli::read(&Env::default(), &file, &mut Vec::new());
    read.into_iter().map(|(name, value, _)| (name, value)).collect()
}

/// `.sentryclirc` and `sentry.properties`: no token of theirs is read, and what another program has
/// escaped is read as what was meant.
pub(crate) fn sentry_cli(data: &[u8]) {
    if has_mark(data) {
        return;
    }
    let text = text(data);
    let token = format!("[auth]\ntoken={MARK}\n{text}\n[auth]\ntoken={MARK}");
    let properties = format!("auth.token={MARK}\n{text}\n\nauth.token={MARK}");
    for (ini, properties) in [(token.as_str(), ""), ("", properties.as_str())] {
        for (name, value) in defaults(ini, properties) {
            assert!(["url", "org", "projects"].contains(&name), "{name}");
            assert!(!value.is_empty() && !value.contains(MARK), "{name}: {value:?}");
        }
    }
    let meant: String = text.chars().filter(|c| !c.is_control()).collect();
    let escape = |c: char| if c.is_alphanumeric() { c.to_string() } else { format!("\\{c}") };
    let escaped: String = meant.chars().map(escape).collect();
    let ini = format!("[defaults]\norg = {escaped}\n");
    let properties = format!("defaults.org={escaped}\n");
    for (ini, properties) in [(ini.as_str(), ""), ("", properties.as_str())] {
        let given = defaults(ini, properties);
        let read = given.first().map_or("", |(_, value)| value);
        assert_eq!(read, meant.trim(), "{ini:?} {properties:?}");
    }
}

/// An address of a repository gives a name of two parts or more, without credentials and without a
/// way out of them; its page's form gives the same one.
pub(crate) fn repository(data: &[u8]) {
    if has_mark(data) {
        return;
    }
    let text = text(data);
    for url in [
        text.clone(),
        format!("https://user:{MARK}@git.example/{text}"),
        format!("git@git.example:{text}"),
        format!("ssh://git@git.example:22/{text}.git"),
    ] {
        let Some(name) = job::repository_of_url(&url) else { continue };
        let parts: Vec<_> = name.split('/').collect();
        assert!(parts.len() >= 2, "{url:?} is {name:?}");
        let is_part = |part: &&str| !part.is_empty() && !matches!(*part, "." | "..");
        assert!(parts.iter().all(is_part), "{url:?} is {name:?}");
        assert!(!name.contains(|c: char| c.is_control() || "@:\\?#%".contains(c)), "{name:?}");
        assert!(!name.contains(MARK), "{name:?}");
        assert!(job::same_repository(&name, &name));
    }
}

/// What a host leaves in a value is a part of the value.
pub(crate) fn macros(data: &[u8]) {
    let text = text(data);
    for host in Host::ALL {
        for value in [text.clone(), format!("a {text} b"), format!("${{{text}}}")] {
            for found in host.macros_in(&value) {
                assert!(found.text.len() >= 2 && value.contains(found.text), "{:?}", found.text);
                assert_eq!(found.is_whole, value.trim() == found.text, "{value:?}");
            }
        }
    }
}

/// A resume file gives what was kept in it to the token that kept it, and to no other.
pub(crate) fn resume_file(data: &[u8]) {
    if has_mark(data) {
        return;
    }
    let text = text(data);
    let (token, other) = (Secret::from(MARK), Secret::from("another"));
    let Ok(mut file) = ResumeFile::read(&text) else { return };
    let keys: Vec<_> = file.keys().map(str::to_owned).collect();
    for key in &keys {
        assert!(file.get(key, &token).is_none(), "{key:?} is opened by anybody");
    }
    let kept = SuspendedPipeline {
        step: text.clone(),
        cookies: Secret::from(format!("sentrysid={MARK}")),
        next: Some(text),
        integration_id: Some(7),
    };
    file.put("host/acme/gitlab", &token, &kept).unwrap();
    let written = file.text();
    assert!(!written.contains(MARK));
    let read = ResumeFile::read(&written).unwrap();
    assert_eq!(read.get("host/acme/gitlab", &token), Some(kept));
    assert!(read.get("host/acme/gitlab", &other).is_none());
    assert!(keys.iter().all(|key| read.keys().any(|known| known == key)));
}

/// A date that is read is written as a date of the same moment.
pub(crate) fn dates(data: &[u8]) {
    if let Some(moment) = date::parse(&text(data)) {
        let written = date::iso(moment);
        assert_eq!(date::parse(&written), Some(moment), "{written}");
    }
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(data).for_each(|(byte, given)| *byte = *given);
    // The years that a text of four digits holds.
    let moment = i64::from_le_bytes(bytes).rem_euclid(253_402_300_800_000);
    assert_eq!(date::parse(&date::iso(moment)), Some(moment));
}

/// A repository whose own files hold anything: they are read, or they are said to be damaged.
pub(crate) fn git_files(data: &[u8]) {
    if has_mark(data) {
        return;
    }
    let remote = format!("\n[remote \"origin\"]\n\turl = https://u:{MARK}@git.example/");
    for (file, start) in
        [("config", remote.as_str()), ("HEAD", ""), ("packed-refs", ""), ("shallow", "")]
    {
        let folder = tempfile::tempdir().unwrap();
        drop(gix::init_bare(folder.path()).unwrap());
        let path = folder.path().join(file);
        let own = if file == "config" { std::fs::read(&path).unwrap() } else { Vec::new() };
        std::fs::write(path, [&own, start.as_bytes(), data].concat()).unwrap();
        let Ok(Some(checkout)) = Checkout::find(folder.path()) else { continue };
        assert!(!checkout.remote("origin").is_some_and(|address| address.contains(MARK)));
        let head = checkout.head().unwrap_or_else(|_| "0".repeat(40));
        let range = CommitRange { head: &head, previous: None, most: 10, paths: &[] };
        let runtime = Builder::new_current_thread().build().unwrap();
        if let Ok(history) = runtime.block_on(checkout.history(&range)) {
            assert!(history.commits.iter().all(|commit| commit.id.len() == 40));
        }
    }
}

/// A bundle that is read has each of its files where it says, apart from the others, under a name that
/// leads nowhere else.
pub(crate) fn bundle(data: &[u8]) {
    let mut source = data;
    let Ok(bundle) = read_bundle(&mut source) else { return };
    let place = |start: u64, size: u64| (start, start + size);
    let mut places: Vec<_> =
        bundle.files.iter().map(|f| place(f.contents.start, f.contents.packed_size)).collect();
    places.sort_unstable();
    assert!(places.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{places:?}");
    assert!(places.iter().all(|(_, end)| *end <= data.len() as u64), "{places:?}");
    for file in &bundle.files {
        let is_below = !file.path.starts_with('/') && file.path.split('/').all(|part| part != "..");
        assert!(is_below && !file.path.contains(['\\', '\0', '\n']), "{:?}", file.path);
    }
}
