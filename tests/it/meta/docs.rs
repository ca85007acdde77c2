//! Whether the documents and action.yml say what the code does. A test that fails prints the right
//! text, to be pasted.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use finishline::error::{ErrorCode, ExitCode};
use finishline::inputs::compat::OTHER_NAMES;
use finishline::inputs::compat::names::full_aliases;
use finishline::inputs::compat::variables::{VARIABLES, VariableUse};
use finishline::inputs::table::{FlagKind, INPUTS, InputSpec, SET};
use finishline::output::table::OUTPUTS;
use finishline::provider::{Field, PROVIDERS, Provider};
use serde_yaml::{Mapping, Value};

static README: LazyLock<String> = LazyLock::new(|| read("README.md"));
static REFERENCE: LazyLock<String> = LazyLock::new(|| read("docs/reference.md"));
static ACTION: LazyLock<String> = LazyLock::new(|| read("action.yml"));
static COMPONENT: LazyLock<String> = LazyLock::new(|| read("templates/finishline.yml"));

/// A file of the repository, or of the copy of it that cargo's variable names, so that a judge can
/// break one and see these tests fail.
fn read(name: &str) -> String {
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    std::fs::read_to_string(Path::new(&root).join(name)).expect("the file is there")
}

/// What stands in the document between `<!-- name -->` and `<!-- /name -->`.
fn section<'a>(document: &'a str, name: &str) -> &'a str {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->\n"));
    let (_, rest) = document.split_once(&open).expect("the section is opened");
    rest.split_once(&close).expect("the section is closed").0
}

/// The text of the first fenced block of this language in a section, and what follows the block.
fn fenced<'a>(text: &'a str, language: &str) -> (&'a str, &'a str) {
    let (_, rest) = text.split_once(&format!("```{language}\n")).expect("there is such a block");
    rest.split_once("```\n").expect("the block is closed")
}

fn assert_table(name: &str, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let escaped = |cells: Vec<String>| cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let mut table = line(head.iter().map(|&cell| cell.to_owned()).collect());
    table += &line(vec!["---".to_owned(); head.len()]);
    table.extend(rows.map(escaped).map(line));
    let right = format!("\n{table}\n");
    let there = section(&REFERENCE, name);
    assert!(there == right, "docs/reference.md has another table of {name} than this:\n{right}");
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn listed<'a>(items: impl Iterator<Item = &'a str>) -> String {
    items.map(code).collect::<Vec<_>>().join(", ")
}

fn flags(input: &InputSpec) -> String {
    let flag = match input.flag {
        FlagKind::Value(word) => format!("`--{} {word}`", input.long()),
        FlagKind::File(long) => format!("`--{long} FILE`"),
        FlagKind::Switch => format!("`--{}[=true|false]`", input.long()),
    };
    if input.name == "state" { format!("{flag}, `--{SET} NAME=VALUE`") } else { flag }
}

#[test]
fn the_reference_lists_every_input() {
    let row = |input: &InputSpec| {
        let variables = listed(input.variables.iter().copied());
        let (default, meaning) = (input.default.to_owned(), input.meaning.to_owned());
        vec![code(input.name), variables, flags(input), default, meaning]
    };
    let head = ["input", "variable", "flag", "default", "meaning"];
    assert_table("inputs", &head, INPUTS.iter().map(row));
}

#[test]
fn the_reference_lists_every_provider() {
    let field = |field: &Field| match (field.required, field.secret) {
        (true, true) => format!("`{}` (secret)", field.name),
        (true, false) => code(field.name),
        (false, true) => format!("`{}` (optional, secret)", field.name),
        (false, false) => format!("`{}` (optional)", field.name),
    };
    let row = |provider: &&dyn Provider| {
        let fields = provider.all_steps().flat_map(|step| step.fields);
        let of_state: Vec<_> = fields.filter(|field| field.comes_from_state()).map(field).collect();
        let of_app: Vec<_> = provider.app().iter().map(field).collect();
        let embedded = match provider.sentry_only_reason() {
            Some(_) => "no".to_owned(),
            None if of_app.is_empty() => "yes".to_owned(),
            None => format!("with {}", of_app.join(", ")),
        };
        let fields = if of_state.is_empty() { "none".to_owned() } else { of_state.join(", ") };
        vec![code(provider.key()), fields, provider.summary().to_owned(), embedded]
    };
    let head = ["provider", "fields of `state`", "how it finishes", "embedded backend (`apps`)"];
    assert_table("providers", &head, PROVIDERS.iter().map(row));
}

#[test]
fn the_reference_lists_every_command() {
    let command = finishline::cli::command();
    let row = |one: &clap::Command| {
        vec![code(one.get_name()), one.get_about().unwrap_or_default().to_string()]
    };
    assert_table("commands", &["command", "does"], command.get_subcommands().map(row));
}

#[test]
fn the_reference_lists_every_output() {
    let row = |output: &finishline::output::table::OutputSpec| {
        vec![code(output.name), output.description.to_owned()]
    };
    assert_table("outputs", &["output", "is"], OUTPUTS.iter().map(row));
}

#[test]
fn the_reference_lists_every_exit_code() {
    let row = |exit: ExitCode| vec![exit.number().to_string(), exit.meaning().to_owned()];
    assert_table("exits", &["exit", "means"], ExitCode::ALL.into_iter().map(row));
}

#[test]
fn the_page_about_failures_has_every_error_code_under_its_exit() {
    let page = read("docs/errors.md");
    let (mut exit, mut found) = (None, Vec::new());
    for line in page.lines() {
        if let Some((_, number)) =
            line.strip_prefix("## ").and_then(|line| line.split_once(": exit "))
        {
            exit = number.parse::<u8>().ok();
        } else if let Some(slug) = line.strip_prefix("### ") {
            found.push((slug.to_owned(), exit.expect("a heading has the exit code")));
        }
    }
    let mut right: Vec<_> =
        ErrorCode::ALL.iter().map(|code| (code.slug().to_owned(), code.exit().number())).collect();
    found.sort();
    right.sort();
    assert_eq!(found, right, "docs/errors.md");
}

/// The words of a shell command, where no word is quoted and `\` only continues a line.
fn words(command: &str) -> Vec<&str> {
    command.split_whitespace().filter(|word| *word != "\\").collect()
}

#[test]
fn the_first_command_prints_what_the_readme_shows() {
    let (command, rest) = fenced(section(&README, "first-run"), "sh");
    let (shown, _) = fenced(rest, "text");
    let words = words(command);
    let (key, value) = words[0].split_once('=').expect("the command begins with a variable");
    assert_eq!(words[1..4].join(" "), "cargo try run");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let done = Command::new(env!("CARGO_BIN_EXE_finishline"))
        .args(&words[3..])
        .current_dir(&folder)
        .env_clear()
        .env(key, value)
        .output()
        .expect("the program runs");
    let printed = [done.stderr, done.stdout].concat();
    assert_eq!(String::from_utf8_lossy(&printed), shown);
    assert!(done.status.success());
}

fn action() -> Mapping {
    serde_yaml::from_str(&ACTION).expect("action.yml is a mapping")
}

fn steps(action: &Mapping) -> &[Value] {
    action["runs"]["steps"].as_sequence().expect("the action has steps")
}

/// A mapping's entries, each as one line of YAML.
fn entries(mapping: &Value, entry: impl Fn(&str, &Value) -> String) -> String {
    let mapping = mapping.as_mapping().expect("it is a mapping");
    let line = |(name, value): (&Value, &Value)| entry(name.as_str().unwrap_or_default(), value);
    mapping.iter().map(line).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn input_entry(name: &str, description: &str) -> String {
    format!("  {name}:\n    description: {description:?}\n")
}

fn output_entry(name: &str, description: &str, value: &str) -> String {
    format!("  {name}:\n    description: {description:?}\n    value: {value}\n")
}

/// What the action alone takes, to find the program.
const OF_THE_ACTION: [(&str, &str); 3] = [
    ("finishline-version", "the version of finishline, if not the action's own"),
    (
        "checksum",
        "the expected SHA-256 sum of the release's archive for this runner, if not the action's own",
    ),
    ("download-url", "a mirror of finishline's releases, the only place to download from"),
];

#[test]
fn the_action_has_every_input_and_no_other() {
    let inputs = INPUTS.iter().map(|input| input_entry(input.name, input.meaning));
    let others = OTHER_NAMES.iter().map(|other| input_entry(other.name, &other.describe()));
    let own = OF_THE_ACTION.into_iter().map(|(name, is)| input_entry(name, is));
    let right: String = inputs.chain(others).chain(own).collect();
    let there =
        entries(&action()["inputs"], |name, input| input_entry(name, text(&input["description"])));
    assert!(there == right, "action.yml has other inputs than these:\n{right}");
}

#[test]
fn the_action_maps_every_input_and_nothing_else() {
    let line = |name: &str, value: &str| format!("        {name}: {value}\n");
    let given = INPUTS.iter().map(|input| {
        let (name, variable) = (input.name, input.variables[0]);
        let names = std::iter::once(name).chain(full_aliases(name));
        let inputs: Vec<_> = names.map(|name| format!("inputs.{name}")).collect();
        line(variable, &format!("${{{{ {} || env.{variable} }}}}", inputs.join(" || ")))
    });
    let own = [line("BASH_ENV", ""), line("BINARY", "${{ steps.install.outputs.binary }}")];
    let mut carried: Vec<(String, String)> = Vec::new();
    for (variable, name) in
        OTHER_NAMES.iter().filter_map(|other| Some((other.variable()?, other.name)))
    {
        match carried.last_mut().filter(|(known, _)| *known == variable) {
            Some((_, names)) => *names += &format!("inputs.{name} || "),
            None => carried.push((variable, format!("inputs.{name} || "))),
        }
    }
    let others = carried
        .iter()
        .map(|(variable, names)| line(variable, &format!("${{{{ {names}env.{variable} }}}}")));
    let right: String = own.into_iter().chain(given).chain(others).collect();
    let action = action();
    let step = steps(&action).iter().find(|step| text(&step["id"]) == "run");
    let env = &step.expect("there is a step called run")["env"];
    let there = entries(env, |name, value| line(name, text(value)));
    assert!(there == right, "action.yml maps other variables than these:\n{right}");
}

#[test]
fn the_action_hands_on_every_output_and_no_other() {
    let value = |name: &str| format!("${{{{ steps.run.outputs.{name} }}}}");
    let right: String = OUTPUTS
        .iter()
        .map(|output| output_entry(output.name, output.description, &value(output.name)))
        .collect();
    let there = entries(&action()["outputs"], |name, output| {
        output_entry(name, text(&output["description"]), text(&output["value"]))
    });
    assert!(there == right, "action.yml has other outputs than these:\n{right}");
}

/// The tables of docs/migrating.md, which are those of the code.
#[test]
fn the_page_for_migrations_has_every_name_and_every_variable() {
    let names =
        OTHER_NAMES.iter().map(|other| format!("| `{}` | {} |\n", other.name, other.describe()));
    let variables = VARIABLES.iter().map(|(name, kind)| {
        let meaning = match kind {
            VariableUse::Input(input) => format!("the input `{input}`"),
            VariableUse::System(what) => (*what).to_owned(),
            VariableUse::Version(service) => {
                format!("the version, where `release` is not set ({service})")
            }
            VariableUse::NotNeeded(why) => format!("not needed: {why}"),
        };
        format!("| `{name}` | {meaning} |\n")
    });
    let page = read("docs/migrating.md");
    let tables: [(&str, &str, String); 2] =
        [("names", "input", names.collect()), ("variables", "variable", variables.collect())];
    for (name, head, rows) in tables {
        let right = format!(
            "<!-- {name} -->\n\n| {head} | here |\n| --- | --- |\n{rows}\n<!-- /{name} -->"
        );
        assert!(page.contains(&right), "docs/migrating.md lacks this:\n{right}");
    }
}

/// Inputs that a GitLab component does not take: secrets come from masked variables, no person is
/// at the terminal, and the host and its reports are settled.
const NOT_OF_THE_COMPONENT: [&str; 12] = [
    "apps",
    "callback-url",
    "entry",
    "auth-token",
    "pipeline-token",
    "headers",
    "wait-for-approval",
    "github-token",
    "github-status",
    "ci",
    "dotenv",
    "annotations",
];

/// What stands in the component between `# name` and `# /name`.
fn component(name: &str) -> &'static str {
    let (_, rest) = COMPONENT.split_once(&format!("    # {name}\n")).expect("it is opened");
    rest.split_once(&format!("    # /{name}\n")).expect("it is closed").0
}

/// The type and the default of the component's input. GitLab takes a boolean or a number without
/// quotes only by its type, and no value of that type means that none is given; so the value that
/// counts as none is the program's default.
fn component_type(input: &InputSpec) -> (&'static str, &'static str) {
    match input.flag {
        FlagKind::Switch if depends_on_others(input) => ("string", ""),
        FlagKind::Switch if input.default == "true" => ("boolean", "true"),
        FlagKind::Switch => ("boolean", "false"),
        FlagKind::Value("ID" | "COUNT") => ("number", "0"),
        FlagKind::Value(_) | FlagKind::File(_) => ("string", ""),
    }
}

/// Whether neither `true` nor `false` says the same as nothing.
fn depends_on_others(input: &InputSpec) -> bool {
    !["true", "false"].contains(&input.default)
}

fn component_input(input: &InputSpec) -> String {
    let InputSpec { name, meaning, .. } = input;
    match component_type(input) {
        ("string", _) if input.flag == FlagKind::Switch => {
            let meaning = format!("{meaning}; in quotes");
            format!(
                "    {name}:\n      default: \"\"\n      options: [\"\", \"true\", \"false\"]\n      \
                 description: {meaning:?}\n"
            )
        }
        ("string", _) => {
            format!("    {name}:\n      default: \"\"\n      description: {meaning:?}\n")
        }
        (kind, default) => {
            let meaning = format!("{meaning}; {default} counts as not set");
            format!(
                "    {name}:\n      type: {kind}\n      default: {default}\n      description: \
                 {meaning:?}\n"
            )
        }
    }
}

/// `state` names variables by `${NAME}` itself; in all else GitLab puts them in.
fn component_variable(input: &InputSpec) -> String {
    let variable = input.variables[0].replace("FINISHLINE_", "FINISHLINE_INPUT_");
    let (_, default) = component_type(input);
    let value = format!("\"{default}=$[[ inputs.{} ]]\"", input.name);
    match input.name {
        "state" => format!("    {variable}: {{value: {value}, expand: false}}\n"),
        _ => format!("    {variable}: {value}\n"),
    }
}

#[test]
fn the_component_takes_every_input_and_pastes_it_into_a_variable() {
    let inputs = INPUTS.iter().filter(|input| !NOT_OF_THE_COMPONENT.contains(&input.name));
    let taken: String = inputs.clone().map(component_input).collect();
    let pasted: String = inputs.map(component_variable).collect();
    assert!(component("inputs") == taken, "the component has other inputs than these:\n{taken}");
    let there = component("variables");
    assert!(there == pasted, "the component has other variables than these:\n{pasted}");
}

#[test]
fn the_component_installs_this_version() {
    let default = format!("      default: {:?}\n", env!("CARGO_PKG_VERSION"));
    assert!(COMPONENT.contains(&format!("    finishline-version:\n{default}")));
}

#[test]
fn no_input_is_pasted_into_the_script_of_the_component() {
    let (_, script) = COMPONENT.split_once("  script:\n").expect("the component has a script");
    assert!(!script.contains("$[["));
}

/// The runner pastes an expression into a script before the shell sees it.
#[test]
fn no_expression_stands_in_a_script_of_the_action() {
    let action = action();
    let scripts: Vec<_> = steps(&action).iter().map(|step| text(&step["run"])).collect();
    assert!(scripts.iter().all(|script| !script.is_empty() && !script.contains("${{")));
    assert!(steps(&action).iter().all(|step| text(&step["shell"]) == "bash"));
}
