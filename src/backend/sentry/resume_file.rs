//! The resume file: where pipelines that wait for a person are kept for another process.
//!
//! It holds the step, the session's cookies and what it is to go on with, sealed with a key that only
//! the owner of the token can derive. No token is in it.

use crate::error::{Error, ErrorCode, Result};
use crate::integration::KeptInputs;
use crate::os::random::random_bytes;
use crate::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use serde_json::{Map, Value, json};

const SALT: usize = 16;
const NONCE: usize = 12;
const SCHEMA: i64 = 1;

/// The waiting pipelines, by `host/organization/provider` and the entry of a manifest, each sealed,
/// and likewise what each is to go on with.
#[derive(Default)]
pub struct ResumeFile {
    waiting: Map<String, Value>,
    kept: Map<String, Value>,
}

/// One waiting pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuspendedPipeline {
    /// The step that the callback answers.
    pub step: String,
    /// The cookies of the session, as a `Cookie` header has them.
    pub cookies: Secret,
    /// What the redirect URL carries.
    pub next: Option<String>,
    /// The integration that is being renewed.
    pub integration_id: Option<i64>,
}

impl ResumeFile {
    /// Reads the file's text; an empty one holds nothing.
    pub fn read(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        match (value["schema"].as_i64(), value["waiting"].as_object()) {
            (Some(SCHEMA), Some(waiting)) => {
                let kept = value["kept"].as_object().cloned().unwrap_or_default();
                Ok(Self { waiting: waiting.clone(), kept })
            }
            _ => Err(Error::new(
                ErrorCode::Usage,
                "`resume-file` is not a resume file that this version can read",
            )
            .with_hint("set `resume-file` to the file that the first run wrote, or to a new file")),
        }
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut file = json!({ "schema": SCHEMA, "waiting": self.waiting });
        if !self.kept.is_empty() {
            file["kept"] = self.kept.clone().into();
        }
        format!("{file}\n")
    }

    /// The keys of the waiting pipelines.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.waiting.keys().map(String::as_str)
    }

    /// Keeps a pipeline, over an earlier one of the same key.
    pub fn put(&mut self, key: &str, token: &Secret, waiting: &SuspendedPipeline) -> Result {
        self.waiting.insert(key.to_owned(), seal(key, token, waiting.text())?);
        self.kept.remove(key);
        Ok(())
    }

    /// Keeps what a pipeline that was put here is to go on with.
    pub fn put_kept(&mut self, key: &str, token: &Secret, kept: &KeptInputs) -> Result {
        if !kept.is_empty() {
            let text = kept.to_json().to_string();
            self.kept.insert(key.to_owned(), seal(&kept_place(key), token, text)?);
        }
        Ok(())
    }

    /// What the pipeline of this key is to go on with; nothing where nothing was kept.
    pub fn kept(&self, key: &str, token: &Secret) -> KeptInputs {
        let opened = self.kept.get(key).and_then(|sealed| open(&kept_place(key), token, sealed));
        let value = opened.and_then(|text| serde_json::from_slice(&text).ok());
        value.map(|value| KeptInputs::from_json(&value)).unwrap_or_default()
    }

    /// The pipeline of this key; `None` when there is none that this token opens.
    pub fn get(&self, key: &str, token: &Secret) -> Option<SuspendedPipeline> {
        SuspendedPipeline::read(&open(key, token, self.waiting.get(key)?)?)
    }

    /// Whether a pipeline of this key waits that another token sealed.
    pub fn holds_others(&self, key: &str, token: &Secret) -> bool {
        self.waiting.contains_key(key) && self.get(key, token).is_none()
    }

    /// Forgets a pipeline.
    pub fn remove(&mut self, key: &str) {
        self.waiting.remove(key);
        self.kept.remove(key);
    }
}

impl SuspendedPipeline {
    fn text(&self) -> String {
        json!({
            "step": self.step,
            "cookies": self.cookies.expose(),
            "next": self.next,
            "integration_id": self.integration_id,
        })
        .to_string()
    }

    fn read(text: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(text).ok()?;
        Some(Self {
            step: value["step"].as_str()?.to_owned(),
            cookies: Secret::from(value["cookies"].as_str()?),
            next: value["next"].as_str().map(str::to_owned),
            integration_id: value["integration_id"].as_i64(),
        })
    }
}

/// The place of what is kept: it opens at no other one.
fn kept_place(key: &str) -> String {
    format!("{key} kept")
}

/// Seals a text for its place in the file.
fn seal(place: &str, token: &Secret, text: String) -> Result<Value> {
    let random = random_bytes::<{ SALT + NONCE }>().map_err(|_| {
        Error::new(ErrorCode::Internal, "the operating system provides no random bytes")
    })?;
    let mut text = text.into_bytes();
    cipher(token, &random)
        .seal_in_place_append_tag(nonce(&random), Aad::from(place), &mut text)
        .map_err(|_| Error::new(ErrorCode::Internal, "cannot encrypt the resume file"))?;
    Ok(STANDARD.encode([&random[..], &text].concat()).into())
}

/// Opens what this token sealed for this place.
fn open(place: &str, token: &Secret, sealed: &Value) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(sealed.as_str()?).ok()?;
    let (random, sealed) = bytes.split_at_checked(SALT + NONCE)?;
    let mut sealed = sealed.to_vec();
    let opened = cipher(token, random).open_in_place(nonce(random), Aad::from(place), &mut sealed);
    opened.ok().map(|text| text.to_vec())
}

/// A key for one entry, out of the token and the entry's own salt.
fn cipher(token: &Secret, random: &[u8]) -> LessSafeKey {
    let salt = Salt::new(HKDF_SHA256, &random[..SALT]);
    let derived = salt.extract(token.expose().as_bytes());
    let derived = derived.expand(&[b"finishline resume file"], &CHACHA20_POLY1305);
    LessSafeKey::new(UnboundKey::from(derived.expect("the cipher's own key length is allowed")))
}

fn nonce(random: &[u8]) -> Nonce {
    let mut nonce = [0_u8; NONCE];
    nonce.copy_from_slice(&random[SALT..SALT + NONCE]);
    Nonce::assume_unique_for_key(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting() -> SuspendedPipeline {
        SuspendedPipeline {
            step: "oauth_login".to_owned(),
            cookies: Secret::from("sentrysid=c00kie"),
            next: Some("https://x".to_owned()),
            integration_id: Some(7),
        }
    }

    #[test]
    fn only_the_same_token_and_key_open_what_was_sealed() {
        let (token, other) = (Secret::from("t0ken"), Secret::from("other"));
        let mut sealed = ResumeFile::default();
        sealed.put("h/acme/gitlab", &token, &waiting()).unwrap();
        let text = sealed.text();
        assert!(!text.contains("c00kie") && !text.contains("t0ken"), "{text}");
        let mut read = ResumeFile::read(&text).unwrap();
        assert_eq!(read.get("h/acme/gitlab", &token).unwrap().step, "oauth_login");
        assert!(read.get("h/acme/gitlab", &other).is_none());
        assert!(read.holds_others("h/acme/gitlab", &other));
        assert!(!read.holds_others("h/acme/gitlab", &token));
        assert!(!read.holds_others("h/acme/gitea", &other));
        let moved = read.waiting["h/acme/gitlab"].clone();
        read.waiting.insert("h/other/gitlab".to_owned(), moved);
        assert!(read.get("h/other/gitlab", &token).is_none(), "an entry cannot be moved");
    }

    #[test]
    fn a_damaged_file_opens_nothing() {
        let mut sealed = ResumeFile::default();
        for damage in [json!("AAAA"), json!(7), json!("no base64"), json!("")] {
            sealed.waiting.insert("k".to_owned(), damage);
            assert!(sealed.get("k", &Secret::from("t")).is_none());
        }
        assert!(ResumeFile::read("[]").is_err() && ResumeFile::read("{\"schema\":2}").is_err());
        assert_eq!(ResumeFile::read(" \n").unwrap().keys().count(), 0);
    }
}
