//! Runs and events as traces, told to a collector of OpenTelemetry.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use prost::Message as _;
use serde_json::json;

use crate::common::{Server, Shop, hook, options};
use crate::firing::fire;
use crate::receiver::Receiver;

/// A server that tells its traces to `collector`, soon.
fn server(shop: &Shop, collector: &Receiver) -> Server {
    let endpoint = collector.url();
    let options = options().env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &endpoint).env("OTEL_BSP_SCHEDULE_DELAY", "100");
    let options = options.env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test");
    Server::start(options.env("OTEL_EXPORTER_OTLP_HEADERS", "x-shop=berlin").folder(&shop.path()))
}

fn requests(collector: &Receiver) -> Vec<ExportTraceServiceRequest> {
    collector.heard().iter().map(|heard| ExportTraceServiceRequest::decode(heard.bytes.as_slice()).unwrap()).collect()
}

/// All spans that were told so far.
fn spans(collector: &Receiver) -> Vec<Span> {
    let of = |request: ExportTraceServiceRequest| request.resource_spans.into_iter().flat_map(|it| it.scope_spans);
    requests(collector).into_iter().flat_map(of).flat_map(|it| it.spans).collect()
}

fn value(attributes: &[KeyValue], key: &str) -> Option<String> {
    let value = attributes.iter().find(|it| it.key == key)?.value.clone();
    match value {
        Some(AnyValue { value: Some(any_value::Value::StringValue(text)) }) => Some(text),
        Some(AnyValue { value: Some(any_value::Value::IntValue(number)) }) => Some(number.to_string()),
        other => panic!("{key} is {other:?}"),
    }
}

/// The span of this name, once it was told.
fn told(server: &Server, collector: &Receiver, name: &str) -> Span {
    server.until(&format!("the span {name}"), || spans(collector).into_iter().find(|span| span.name == name))
}

fn status(span: &Span) -> StatusCode {
    span.status.as_ref().unwrap().code()
}

#[test]
fn runs_and_events_are_told_as_traces_whose_spans_are_their_containers() {
    let (shop, collector) = (Shop::new(), Receiver::new());
    let before = hook("before", "run.starting", &["hook", "--allow"]);
    let on_event = hook("note", "orders.arrived", &["fail", "4"]);
    shop.policy("shop", json!({"hooks": [before, on_event]}));
    shop.automation("report", json!({"args": ["env", "TRACEPARENT"]}));
    shop.automation("broken", json!({"args": ["fail", "3"], "triggers": [{"event": "orders.arrived"}]}));
    let server = server(&shop, &collector);
    server.has("broken");

    let run = server.finished("report");
    let whole = told(&server, &collector, "run report");
    assert_eq!(value(&whole.attributes, "provost.run").as_deref(), run["run"].as_str());
    assert_eq!(value(&whole.attributes, "provost.outcome").as_deref(), Some("Succeeded"));
    assert!(whole.parent_span_id.is_empty() && status(&whole) == StatusCode::Ok);
    let below: Vec<Span> = spans(&collector).into_iter().filter(|span| span.parent_span_id == whole.span_id).collect();
    let names: Vec<&str> = below.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["run.starting-shop.before", "main.1"]);
    let main = &below[1];
    assert_eq!(main.trace_id, whole.trace_id);
    assert!(
        whole.start_time_unix_nano <= main.start_time_unix_nano && main.end_time_unix_nano <= whole.end_time_unix_nano
    );
    // What a container tells itself is a part of it.
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let parent = format!("TRACEPARENT=00-{}-{}-01", hex(&main.trace_id), hex(&main.span_id));
    assert_eq!(server.lines(&run, "main.1"), [parent]);

    // An event is a trace, and what it triggers is linked to it.
    fire(&server, "orders.arrived", &json!({}));
    let event = told(&server, &collector, "event orders.arrived");
    let note = spans(&collector).into_iter().find(|span| span.parent_span_id == event.span_id).unwrap();
    assert_eq!((status(&note), note.status.clone().unwrap().message.as_str()), (StatusCode::Error, "exit 4"));
    let failed = told(&server, &collector, "run broken");
    assert_eq!(failed.links[0].trace_id, event.trace_id);
    assert_eq!((status(&failed), failed.status.clone().unwrap().message.as_str()), (StatusCode::Error, "exit 3"));
    let main =
        spans(&collector).into_iter().find(|span| span.parent_span_id == failed.span_id && span.name == "main.1");
    assert_eq!(value(&main.unwrap().attributes, "process.exit.code").as_deref(), Some("3"));

    let request = requests(&collector).remove(0);
    let resource = request.resource_spans[0].resource.clone().unwrap().attributes;
    assert_eq!(value(&resource, "service.name").as_deref(), Some("provost"));
    assert_eq!(value(&resource, "deployment.environment.name").as_deref(), Some("test"));
    assert_eq!(collector.heard()[0].header("x-shop"), Some("berlin"));
}

#[test]
fn a_collector_that_is_away_delays_nothing_and_is_told_of() {
    let (shop, mut collector) = (Shop::new(), Receiver::offline());
    shop.automation("report", json!({"args": ["echo", "hello"]}));
    let server = server(&shop, &collector);
    server.has("report");
    assert_eq!(server.finished("report")["outcome"], "Succeeded");
    server.until("the warning", || server.process.log().contains("traces do not reach the collector").then_some(()));
    collector.start();
    server.finished("report");
    told(&server, &collector, "run report");
    server.until("the good news", || server.process.log().contains("traces reach the collector again").then_some(()));
}
