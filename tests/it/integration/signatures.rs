//! What a third party has signed is believed as it was signed, and in no other way: each character
//! of it changed, each part of it exchanged.

use crate::secrets::signed;
use finishline::error::ErrorCode;
use finishline::model::{Fields, State};
use finishline::provider::{self, Step};
use serde_json::{Value, json};

const NOW: i64 = 1_700_000_000;
const SECRET: &str = "s3cr3t-of-the-app";

/// Whether the provider believes this text in the field.
fn believes(provider: &str, app: &Value, field: &str, text: &str) -> bool {
    let provider = provider::find(provider).unwrap();
    let mut state = State::default();
    state.bind("app", app.clone());
    let mut fields = Fields::default();
    fields.set(field, text);
    let step: &Step = provider.initial().unwrap_or(&provider.steps()[0]);
    match provider.verify(step, &fields, &state, NOW) {
        Ok(()) => true,
        Err(refusal) => {
            assert_eq!(refusal.code, ErrorCode::Refused);
            assert!(!refusal.message.contains(SECRET), "{}", refusal.message);
            false
        }
    }
}

/// The text with each of its characters exchanged for another one, a case each. The last ones hold
/// bits that no byte needs, so that several of them are the same bytes.
fn tampered(text: &str) -> impl Iterator<Item = String> {
    (0..text.len() - 1).filter(|at| &text[*at..=*at] != ".").map(|at| {
        let other = if &text[at..=at] == "A" { "Z" } else { "A" };
        format!("{}{other}{}", &text[..at], &text[at + 1..])
    })
}

#[test]
fn a_jwt_is_believed_as_it_was_signed() {
    let app = json!({ "clientKey": "connect:7", "sharedSecret": SECRET });
    let believed = |jwt: &str| believes("bitbucket", &app, "jwt", jwt);
    let claims = |iss: &str, exp: i64| json!({ "iss": iss, "exp": exp });
    let good = signed::jwt(&claims("connect:7", NOW + 60), SECRET);
    assert!(believed(&good));
    // Its end is no base64 of ours, and neither is a part of it.
    let tampered: Vec<_> = tampered(&good).collect();
    assert!(tampered.len() > 90);
    assert!(tampered.iter().all(|jwt| !believed(jwt)), "a character of it may be another one");
    assert!((0..good.len()).all(|end| !believed(&good[..end])), "a part of it will do");
    for jwt in [
        signed::jwt(&claims("connect:7", NOW), SECRET),
        signed::jwt(&claims("connect:8", NOW + 60), SECRET),
        signed::jwt(&claims("connect:7", NOW + 60), ""),
        signed::jwt(&claims("connect:7", NOW + 60), "another"),
        signed::jwt(&json!({ "iss": "connect:7" }), SECRET),
        signed::jwt(&json!({ "exp": NOW + 60 }), SECRET),
    ] {
        assert!(!believed(&jwt), "{jwt}");
    }
    let none = json!({ "clientKey": "connect:7" });
    let unsigned = signed::jwt(&claims("connect:7", NOW + 60), "");
    assert!(!believes("bitbucket", &none, "jwt", &unsigned), "without a secret, everybody signs");
}

#[test]
fn a_link_is_believed_as_it_was_signed() {
    let app = json!({ "signingKey": SECRET });
    let believed = |link: &str| believes("jira", &app, "signedParams", link);
    let json = r#"{"external_id": "jira:1", "metadata": {}}"#;
    let good = signed::link(json, SECRET, NOW - 10);
    assert!(believed(&good));
    let tampered: Vec<_> = tampered(&good).collect();
    assert!(tampered.len() > 90);
    assert!(tampered.iter().all(|link| !believed(link)), "a character of it may be another one");
    assert!((1..good.len()).all(|end| !believed(&good[..end])), "a part of it will do");
    assert!(believed(&signed::link(json, SECRET, NOW - 86_400)));
    for link in [
        signed::link(json, SECRET, NOW - 86_401),
        signed::link(json, "another", NOW - 10),
        signed::link(json, "", NOW - 10),
        signed::link("no JSON", SECRET, NOW - 10),
    ] {
        assert!(!believed(&link), "{link}");
    }
    let unsigned = signed::link(json, "", NOW - 10);
    assert!(!believes("jira", &json!({}), "signedParams", &unsigned));
}
