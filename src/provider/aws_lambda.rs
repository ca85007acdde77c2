//! AWS Lambda: a project, the stack that lets Sentry in, and the functions to instrument.

use super::described::Described;
use super::{Answers, Field, Kind, Match, Step, told};
use crate::model::{Listed, Object};

pub(super) static AWS_LAMBDA: Described = Described {
    features: &["serverless"],
    matches,
    told,
    ..Described::new(
        "aws_lambda",
        "AWS Lambda",
        "finishes at a Sentry with the fields alone, once the CloudFormation stack is there",
        "AWS lets in the account that the stack names, and that is Sentry's own",
        &STEPS,
    )
};

const ACCOUNT: Kind = Kind::Rule(is_account, "the 12 digits of an AWS account");

static STEPS: [Step; 3] = [
    Step::form(
        "project_select",
        &[Field::required("projectId", Kind::Integer, "the id of the project in Sentry", "7")],
    ),
    Step::form(
        "cloudformation",
        &[
            Field::required("accountNumber", ACCOUNT, "the AWS account", "599817902985"),
            Field::required("region", Kind::Text(32), "the region of the stack", "us-east-2"),
            Field::required(
                "awsExternalId",
                Kind::Text(256),
                "the external id that the stack was made with",
                "${AWS_EXTERNAL_ID}",
            )
            .secret(),
        ],
    ),
    Step::form(
        "instrumentation",
        &[Field::required(
            "enabledFunctions",
            Kind::List(&Kind::Text(140)),
            "the functions to instrument: their layers and variables are changed",
            "checkout, invoices",
        )],
    ),
];

fn matches(answers: &Answers, listed: &Listed) -> Match {
    let id = format!("{}-{}", answers.text("accountNumber"), answers.text("region"));
    if listed.external_id == id { Match::Same } else { Match::Other }
}

fn told(listed: &Listed) -> Object {
    let (account, region) = listed.external_id.split_once('-').unwrap_or_default();
    told::texts([("accountNumber", account), ("region", region)])
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
