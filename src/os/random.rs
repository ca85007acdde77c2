//! Values that nobody can guess.

use crate::text::hex;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Random bytes, or why the operating system gives none.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// 64 random hex digits.
pub(crate) fn random_hex() -> String {
    hex(&key_bytes())
}

/// 43 random characters of those that PKCE takes.
pub(crate) fn random_verifier() -> String {
    URL_SAFE_NO_PAD.encode(key_bytes())
}

fn key_bytes() -> [u8; 32] {
    random_bytes().expect("the operating system gives random bytes")
}
