//! Nothing starts itself in a circle, or waits for itself: automations by triggers, channels by failover, services by what
//! they require.

use std::collections::{BTreeMap, BTreeSet};

use crate::read::{Document, Spec};
use crate::report::{Code, Diagnostic};

/// From each node to those that it leads to.
type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

pub(crate) fn check(documents: &[Document], out: &mut Vec<Diagnostic>) {
    let mut starts: Graph<'_> = BTreeMap::new();
    let mut fails_over: Graph<'_> = BTreeMap::new();
    let mut requires: Graph<'_> = BTreeMap::new();
    for document in documents {
        match &document.spec {
            Spec::Automation(spec) => {
                for trigger in spec.triggers.iter().filter(|trigger| trigger.event.starts_with("run.")) {
                    if let Some(from) = &trigger.from {
                        starts.entry(from.as_str()).or_default().insert(document.name.as_str());
                    }
                }
            }
            Spec::Channel(spec) => {
                fails_over
                    .entry(document.name.as_str())
                    .or_default()
                    .extend(spec.failover.iter().map(provost_model::Name::as_str));
            }
            Spec::Service(spec) => {
                let needed = spec.requires.iter().flat_map(|requires| &requires.services);
                requires.entry(document.name.as_str()).or_default().extend(needed.map(provost_model::Name::as_str));
            }
            Spec::Plugin(_) | Spec::Policy(_) | Spec::Secret(_) | Spec::Source(_) => {}
        }
    }
    for cycle in cycles(&requires) {
        let found = |name: &str| {
            documents
                .iter()
                .find(|document| matches!(document.spec, Spec::Service(_)) && document.name.as_str() == name)
        };
        let message = format!("these services wait for one another for ever: {}", ring(&cycle));
        tell(Code::REQUIRES_CYCLE, message, "remove one of these names", "spec/requires/services", &cycle, found, out);
    }
    for cycle in cycles(&starts) {
        let found = |name: &str| {
            documents
                .iter()
                .find(|document| matches!(document.spec, Spec::Automation(_)) && document.name.as_str() == name)
        };
        let message = format!("these automations start one another for ever: {}", ring(&cycle));
        tell(Code::TRIGGER_CYCLE, message, "remove one of these triggers", "spec/triggers", &cycle, found, out);
    }
    for cycle in cycles(&fails_over) {
        let found = |name: &str| {
            documents
                .iter()
                .find(|document| matches!(document.spec, Spec::Channel(_)) && document.name.as_str() == name)
        };
        let message = format!("these channels fail over to one another for ever: {}", ring(&cycle));
        tell(Code::FAILOVER_CYCLE, message, "remove one of these names", "spec/failover", &cycle, found, out);
    }
}

/// `a → b → a`.
fn ring(cycle: &[&str]) -> String {
    cycle.iter().chain(cycle.first()).copied().collect::<Vec<_>>().join(" → ")
}

fn tell<'a>(
    code: Code,
    message: String,
    hint: &str,
    path: &str,
    cycle: &[&str],
    found: impl Fn(&str) -> Option<&'a Document>,
    out: &mut Vec<Diagnostic>,
) {
    let mut places = cycle.iter().filter_map(|name| found(name)).map(|document| document.spot_of(path));
    let Some(first) = places.next() else { return };
    let error = Diagnostic::new(code, &first, message).hint(hint);
    out.push(places.take(5).fold(error, |error, place| error.related(&place, "and here")));
}

/// Cycles of a graph: at least one of each knot, each beginning with its least name. Without recursion: chains are long.
fn cycles<'a>(graph: &Graph<'a>) -> Vec<Vec<&'a str>> {
    let mut found = BTreeSet::new();
    let mut done = BTreeSet::new();
    for start in graph.keys() {
        // The way from `start`, each node with what is left to try from it.
        let mut way: Vec<(&str, Vec<&'a str>)> = vec![(*start, next(graph, start))];
        let mut on_way = BTreeSet::from([*start]);
        if done.contains(start) {
            continue;
        }
        while let Some((node, left)) = way.last_mut() {
            match left.pop() {
                Some(to) if on_way.contains(to) => {
                    let cycle: Vec<&str> = way.iter().map(|(name, _)| *name).skip_while(|name| *name != to).collect();
                    found.insert(from_least(cycle));
                }
                Some(to) if !done.contains(to) => {
                    on_way.insert(to);
                    way.push((to, next(graph, to)));
                }
                Some(_) => {}
                None => {
                    on_way.remove(*node);
                    done.insert(*node);
                    way.pop();
                }
            }
        }
    }
    found.into_iter().collect()
}

fn next<'a>(graph: &Graph<'a>, node: &str) -> Vec<&'a str> {
    graph.get(node).map(|nodes| nodes.iter().copied().collect()).unwrap_or_default()
}

fn from_least(mut cycle: Vec<&str>) -> Vec<&str> {
    let least = cycle.iter().enumerate().min_by_key(|(_, name)| **name).map_or(0, |(at, _)| at);
    cycle.rotate_left(least);
    cycle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph<'a>(edges: &[(&'a str, &'a str)]) -> Graph<'a> {
        let mut graph = Graph::new();
        for (from, to) in edges {
            graph.entry(from).or_default().insert(*to);
        }
        graph
    }

    #[test]
    fn cycles_are_found_once() {
        assert_eq!(cycles(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])), Vec::<Vec<&str>>::new());
        assert_eq!(cycles(&graph(&[("a", "a")])), [["a"]]);
        assert_eq!(cycles(&graph(&[("c", "a"), ("a", "b"), ("b", "c"), ("x", "a")])), [["a", "b", "c"]]);
        assert_eq!(cycles(&graph(&[("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")])), [["a", "b"], ["c", "d"]]);
    }

    #[test]
    fn a_long_chain_costs_no_stack() {
        let names: Vec<String> = (0..50_000).map(|n| format!("n{n:05}")).collect();
        let edges: Vec<(&str, &str)> = names.windows(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
        assert!(cycles(&graph(&edges)).is_empty());
    }
}
