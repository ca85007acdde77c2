//! Whether the documents' examples can be typed: their command lines, their inputs, and what they say
//! that `migrate` makes of a file.

use crate::support::run::ProgramRun;
use serde_yaml::Value;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

/// Every block of this language in the documents, with the name of its document.
fn blocks(language: &str) -> Vec<(String, String)> {
    let docs = Path::new(ROOT).join("docs").read_dir().unwrap();
    let docs = docs.map(|entry| format!("docs/{}", entry.unwrap().file_name().to_str().unwrap()));
    let documents = docs.filter(|name| name.ends_with(".md")).chain(["README.md".to_owned()]);
    let open = format!("```{language}\n");
    let of_document = |name: String| {
        let text = read(&name);
        let blocks =
            text.split(&open).skip(1).map(|rest| rest.split_once("```").unwrap().0.to_owned());
        blocks.map(|block| (name.clone(), block)).collect::<Vec<_>>()
    };
    documents.flat_map(of_document).collect()
}

/// The words of a command, as far as the documents quote: no blank stands in a word.
fn words(line: &str) -> Vec<String> {
    let line = line.split(" #").next().unwrap().split(" > ").next().unwrap();
    line.split(" | ")
        .next()
        .unwrap()
        .split_whitespace()
        .map(|word| word.trim_matches(['\'', '"']).to_owned())
        .collect()
}

#[test]
fn every_command_of_the_documents_can_be_typed() {
    let mut count = 0;
    for (document, block) in blocks("sh") {
        for line in block.replace("\\\n", " ").lines() {
            let Some(at) =
                line.find("finishline ").filter(|at| !line[..*at].contains([' ', '#', '/']))
            else {
                continue;
            };
            let typed = words(&line[at..]);
            let parsed = finishline::cli::parse(typed.iter().map(Into::into));
            assert!(parsed.is_ok(), "{document}: {line}: {}", parsed.err().unwrap());
            count += 1;
        }
    }
    assert!(count >= 15, "only {count} commands were found");
}

/// The mappings below a key, wherever it stands.
fn below<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Mapping(mapping) => {
            for (name, inner) in mapping {
                if name == key {
                    found.push(value);
                }
                below(inner, key, found);
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| below(item, key, found)),
        _ => {}
    }
}

#[test]
fn every_input_of_the_documents_is_one() {
    let action: Value = serde_yaml::from_str(&read("action.yml")).unwrap();
    let component = read("templates/finishline.yml");
    let component: Value =
        serde_yaml::from_str(component.split("\n---\n").next().unwrap()).unwrap();
    let mut count = 0;
    for (document, block) in
        blocks("yaml").into_iter().filter(|(_, block)| block.contains("OWNER/finishline"))
    {
        let value: Value = serde_yaml::from_str(&block)
            .unwrap_or_else(|error| panic!("{document}: {error}\n{block}"));
        for (key, inputs, known) in [
            ("uses", "with", &action["inputs"]),
            ("component", "inputs", &component["spec"]["inputs"]),
        ] {
            let mut steps = Vec::new();
            below(&value, key, &mut steps);
            let is_ours = |step: &&&Value| step[key].as_str().unwrap().contains("OWNER/finishline");
            for name in steps
                .iter()
                .filter(is_ours)
                .filter_map(|step| step[inputs].as_mapping())
                .flat_map(|with| with.keys())
            {
                assert!(known.get(name).is_some(), "{document}: {name:?}");
                count += 1;
            }
        }
    }
    assert!(count >= 30, "only {count} inputs were found");
}

/// What a page shows before and after is what `migrate` does, but that it moves no secret.
#[test]
fn the_page_for_migrations_shows_what_migrate_does() {
    let page: Vec<_> =
        blocks("yaml").into_iter().filter(|(name, _)| name == "docs/migrating.md").collect();
    let (head, indent) =
        ("on: push\njobs:\n  release:\n    runs-on: ubuntu-latest\n    steps:\n", "      ");
    let whole = |block: &str| {
        let lines = block.lines().skip(1).map(|line| format!("{indent}{line}\n"));
        format!("{head}{}", lines.collect::<String>())
    };
    let mut count = 0;
    for pair in page.chunks_exact(2) {
        let [(_, before), (_, after)] = pair else { unreachable!() };
        assert!(
            before.starts_with("# before\n") && after.starts_with("# after\n"),
            "{before}{after}"
        );
        let run = ProgramRun::local();
        let file = run.file("workflow.yml", whole(before));
        let file = file.to_str().unwrap();
        run.clone().args(&["migrate", "--write", file]).execute().expect(0);
        assert_eq!(run.text("workflow.yml"), whole(&after.replace("vars.", "secrets.")));
        count += 1;
    }
    assert_eq!(count, 2);
}
