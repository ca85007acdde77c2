//! `set_commits: manual`, which takes the commits from `repo` and `commit`.

use crate::error::{Error, ErrorCode, UNUSED_INPUT, Warning};
use std::collections::BTreeMap;

/// The word for it.
const MANUAL: &str = "manual";

/// What `commits` is, where its text asks for it by parts: `REPO@COMMIT`.
pub fn from_parts(
    commits: Option<&str>,
    parts: &BTreeMap<&'static str, String>,
) -> Result<Option<String>, Error> {
    if !commits.is_some_and(|text| text.eq_ignore_ascii_case(MANUAL)) {
        return Ok(None);
    }
    if let (Some(repository), Some(commit)) = (parts.get("repo"), parts.get("commit")) {
        return Ok(Some(format!("{repository}@{commit}")));
    }
    let missing = ["repo", "commit"].into_iter().filter(|name| !parts.contains_key(name));
    let missing: Vec<_> = missing.map(|name| format!("`{name}`")).collect();
    let message = format!("`commits: manual` needs {}, not set", missing.join(" and "));
    let hint = "set `repo` and `commit`, or `commits` to `REPO@SHA` or `auto`";
    Err(Error::new(ErrorCode::Usage, message).with_hint(hint))
}

/// What to say of parts that nothing takes.
pub fn unused_parts(
    commits: Option<&str>,
    parts: &BTreeMap<&'static str, String>,
) -> impl Iterator<Item = Warning> {
    let is_manual = commits.is_some_and(|text| text.eq_ignore_ascii_case(MANUAL));
    let unused = parts.keys().filter(move |_| !is_manual);
    unused.map(|name| {
        let message = format!("`{name}` is not used by a release without `set_commits: manual`");
        Warning::new(UNUSED_INPUT, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_is_one_ref_and_its_parts_are_needed() {
        let parts = [("repo", "acme/shop".to_owned()), ("commit", "aaaaaaa".to_owned())];
        let parts = BTreeMap::from(parts);
        assert_eq!(from_parts(Some("Manual"), &parts).unwrap().unwrap(), "acme/shop@aaaaaaa");
        assert_eq!(from_parts(Some("auto"), &parts).unwrap(), None);
        assert_eq!(unused_parts(Some("auto"), &parts).count(), 2);
        assert_eq!(unused_parts(Some("manual"), &parts).count(), 0);
        let wrong = from_parts(Some("manual"), &BTreeMap::new()).unwrap_err();
        assert!(wrong.message.contains("`repo` and `commit`"), "{}", wrong.message);
    }
}
