//! AWS Lambda: a project, the stack that lets Sentry in, and the functions to instrument.

use super::evidence::{FIELDS, ProviderEvidence, STEPS, STORED};
use super::fields::choice::StepChoice;
use super::fields::recover;
use super::sentry_only::SentryOnly;
use super::{Answers, Field, FieldKind, IntegrationMatch, ProviderDescription, Step};
use crate::model::{ListedIntegration, Object};

pub(super) static AWS_LAMBDA: SentryOnly = SentryOnly {
    matches,
    account: |answers| Some(account_id(answers)),
    recover_fields,
    ..SentryOnly::new(ProviderDescription {
        name: "AWS Lambda",
        guide: "cloud-monitoring/aws-lambda/",
        summary: "Sentry only: needs only the fields, once the CloudFormation stack exists",
        sentry_only_reason: Some(
            "the CloudFormation stack grants access to Sentry's own AWS account",
        ),
        features: &["serverless"],
        steps: &[
            Step::form(
                "project_select",
                &[Field::required("projectId", FieldKind::Integer)
                    .help("the id of the project in Sentry", "7")],
            ),
            Step::form(
                "cloudformation",
                &[
                    Field::required("accountNumber", ACCOUNT)
                        .help("the id of the AWS account", "599817902985"),
                    Field::text("region", 32).help("the region of the stack", "us-east-2"),
                    Field::text("awsExternalId", 256)
                        .help(
                            "the external id that the stack was created with",
                            "${AWS_EXTERNAL_ID}",
                        )
                        .secret(),
                ],
            ),
            Step::form(
                "instrumentation",
                &[Field::required("enabledFunctions", FieldKind::AnyList(&FieldKind::Text(140)))
                    .help(
                        "the functions to instrument, `[]` for none; their layers and variables are changed",
                        "checkout, invoices",
                    )],
            )
            .choosing(StepChoice {
                field: "enabledFunctions",
                other: None,
                list: "functions",
                id: "name",
                name: "name",
            }),
        ],
        identity_fields: &["accountNumber", "region"],
        evidence: ProviderEvidence { code: &[STEPS, FIELDS], tests: &[STORED], inferred: &["the default project that is stored"] },
        ..ProviderDescription::new("aws_lambda")
    })
};

const ACCOUNT: FieldKind = FieldKind::Rule(is_account, "the 12-digit id of an AWS account");

fn matches(answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
    IntegrationMatch::same_or_other(listed.external_id == account_id(answers))
}

fn account_id(answers: &Answers) -> String {
    format!("{}-{}", answers.text("accountNumber"), answers.text("region"))
}

fn recover_fields(listed: &ListedIntegration) -> Object {
    let (account, region) = listed.external_id.split_once('-').unwrap_or_default();
    recover::text_fields([("accountNumber", account), ("region", region)])
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
