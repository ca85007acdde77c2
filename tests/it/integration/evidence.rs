//! How the facts of each provider are known stands in its own table, and agrees with the vectors.

use crate::support::engine::vectors;
use crate::support::run::ProgramRun;
use finishline::provider::evidence::FACTS;
use finishline::provider::fields::help;
use finishline::provider::{PROVIDERS, Provider};
use serde_json::Value;

fn facts(provider: &dyn Provider, kind: &str) -> Vec<String> {
    let json = help::provider_json(provider);
    let facts = json["evidence"][kind].as_array().unwrap().iter();
    facts.map(|fact| fact.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_provider_says_of_each_fact_once_how_it_is_known() {
    for provider in PROVIDERS {
        let kinds = ["code", "tests", "inferred"].map(|kind| facts(*provider, kind));
        let mut all = kinds.concat();
        for fact in FACTS {
            let count = all.iter().filter(|one| *one == fact).count();
            assert_eq!(count, 1, "{}: {fact}", provider.key());
        }
        let text = help::provider_text(*provider);
        let headings = ["seen in Sentry's code: ", "seen in Sentry's tests: ", "inferred: "];
        for (heading, facts) in headings.iter().zip(&kinds) {
            let line = format!("\n{heading}{}\n", facts.join(", "));
            let is_there = text.contains(&line);
            assert_eq!(is_there, !facts.is_empty(), "{}: {line} {text}", provider.key());
        }
        all.sort();
        all.dedup();
        assert_eq!(all.len(), kinds.concat().len(), "{}", provider.key());
    }
}

/// A case of the vectors: about which fact, and by its mark whether it was seen.
fn seen(fact: &'static str, section: &str) -> Vec<(String, &'static str, bool)> {
    let mark = |case: &Value| {
        let provider = case["provider"].as_str()?.split(' ').next()?.to_owned();
        Some((provider, fact, case["evidence"] != "I"))
    };
    vectors(section).as_array().unwrap().iter().filter_map(mark).collect()
}

#[test]
fn the_marks_agree_with_those_of_the_vectors() {
    let steps = seen("steps", "provider_transcripts");
    let marks: Vec<_> =
        steps.into_iter().chain(seen("stored integration", "build_integration")).collect();
    assert!(marks.len() > 40);
    for provider in PROVIDERS {
        for fact in ["steps", "stored integration"] {
            let own = marks.iter().filter(|(key, of, _)| key == provider.key() && *of == fact);
            let own: Vec<_> = own.map(|(.., is_seen)| *is_seen).collect();
            let is_inferred = facts(*provider, "inferred").iter().any(|one| one == fact);
            assert!(
                own.is_empty() || own.contains(&true) != is_inferred,
                "{}: {fact}: {own:?}",
                provider.key()
            );
        }
    }
}

#[test]
fn providers_prints_it_as_text_and_as_json() {
    let run = ProgramRun::local();
    let text = run.clone().args(&["providers", "bitbucket"]).execute().expect(0).stdout;
    assert!(text.contains("seen in Sentry's tests: steps, fields\ninferred: stored integration\n"));
    let json = run.args(&["providers", "bitbucket", "--format", "json"]).execute().expect(0).json();
    assert_eq!(json["evidence"]["inferred"][0], "stored integration");
}
