//! AWS Lambda: a project, the stack that lets Sentry in, and the functions to instrument.

use super::fields::recover;
use super::fields::step::Step;
use super::sentry_only::SentryOnly;
use super::{Answers, Field, FieldKind, IntegrationMatch};
use crate::model::{ListedIntegration, Object};

pub(super) static AWS_LAMBDA: SentryOnly = SentryOnly {
    features: &["serverless"],
    matches,
    told,
    ..SentryOnly::new(
        "aws_lambda",
        "AWS Lambda",
        "finishes at a Sentry with the fields alone, once the CloudFormation stack is there",
        "AWS lets in the account that the stack names, and that is Sentry's own",
        &STEPS,
    )
};

const ACCOUNT: FieldKind = FieldKind::Rule(is_account, "the 12 digits of an AWS account");

static STEPS: [Step; 3] = [
    Step::form(
        "project_select",
        &[Field::required("projectId", FieldKind::Integer, "the id of the project in Sentry", "7")],
    ),
    Step::form(
        "cloudformation",
        &[
            Field::required("accountNumber", ACCOUNT, "the AWS account", "599817902985"),
            Field::required("region", FieldKind::Text(32), "the region of the stack", "us-east-2"),
            Field::required(
                "awsExternalId",
                FieldKind::Text(256),
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
            FieldKind::List(&FieldKind::Text(140)),
            "the functions to instrument: their layers and variables are changed",
            "checkout, invoices",
        )],
    ),
];

fn matches(answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
    let id = format!("{}-{}", answers.text("accountNumber"), answers.text("region"));
    if listed.external_id == id { IntegrationMatch::Same } else { IntegrationMatch::Other }
}

fn told(listed: &ListedIntegration) -> Object {
    let (account, region) = listed.external_id.split_once('-').unwrap_or_default();
    recover::text_fields([("accountNumber", account), ("region", region)])
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
