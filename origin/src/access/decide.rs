//! decide: may this caller use this route on what is its own, or another's? Pure.

use durable::catalogue::{Actor, Role};

use super::scope::Scope;
use super::table::{Rule, Who};
use crate::api::problem::{Problem, Refusal};

/// Whoever showed a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The public half of the key; `admin` for the one in the data folder.
    pub(crate) key: String,
    /// As whom it acts.
    pub(crate) owner: String,
    pub(crate) role: Role,
    /// Empty: not narrowed.
    pub(crate) scopes: Vec<String>,
    /// The session, of whoever signed in; `owner` is then the account.
    pub(crate) session: Option<String>,
}

impl Caller {
    /// For the audit log.
    pub(crate) fn actor(&self) -> Actor {
        Actor { owner: self.owner.clone(), key: self.key.clone() }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asking {
    Nobody,
    Edge,
    Caller(Caller),
}

/// Whether a request may go on. `is_own`: what it names is the caller's, or nobody's.
pub(super) fn decide(rule: &Rule, asking: &Asking, is_own: bool) -> Result<(), Problem> {
    if rule.who.is_open() {
        return Ok(());
    }
    let caller = match asking {
        Asking::Edge if matches!(rule.who, Who::Edge(_)) => return Ok(()),
        Asking::Caller(caller) => caller,
        Asking::Nobody | Asking::Edge => return Err(no_key(rule)),
    };
    if !in_scope(caller, rule.scope) {
        let sentence = format!("This key is narrowed to other parts of the API; this one is {}.", rule.scope.word());
        return Err(Refusal::ScopeMissing.because(sentence));
    }
    let (own, other) = match rule.who {
        Who::Anyone | Who::Visitor => return Ok(()),
        Who::Edge(role) | Who::Role(role) => (role, role),
        Who::Owner(own, other) => (own, other),
    };
    if caller.role < own {
        let sentence = format!("This needs a key of the role {}; yours has {}.", word(own), word(caller.role));
        return Err(Refusal::RoleTooLow.because(sentence));
    }
    if !is_own && caller.role < other {
        let sentence = format!("It belongs to someone else; only they and a key of the role {} may.", word(other));
        return Err(Refusal::NotYours.because(sentence));
    }
    Ok(())
}

fn no_key(rule: &Rule) -> Problem {
    Refusal::KeyMissing.because(match rule.who {
        Who::Edge(_) => "Send StreamGate-Edge-Key as an edge, or the header \"Authorization: Bearer <key>\".",
        _ => {
            "Send the header \"Authorization: Bearer <key>\"; the first key stands in keys/api.key of the data folder."
        }
    })
}

fn in_scope(caller: &Caller, scope: Scope) -> bool {
    caller.scopes.is_empty() || caller.scopes.iter().any(|word| word == scope.word())
}

/// A role as it is written.
pub(crate) fn word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Creator => "creator",
        Role::Operator => "operator",
        Role::Admin => "admin",
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::TABLE;
    use super::*;

    const ROLES: [Role; 4] = [Role::Viewer, Role::Creator, Role::Operator, Role::Admin];

    fn caller(role: Role, scopes: &[&str]) -> Asking {
        let scopes = scopes.iter().map(|&word| word.to_owned()).collect();
        Asking::Caller(Caller { key: "k".into(), owner: "o".into(), role, scopes, session: None })
    }

    #[test]
    fn a_higher_role_may_all_that_a_lower_one_may_and_an_owner_all_that_others_may() {
        for rule in TABLE {
            let may = |role, is_own| decide(rule, &caller(role, &[]), is_own).is_ok();
            assert!(may(Role::Admin, false), "{rule:?}");
            for pair in ROLES.windows(2) {
                for is_own in [true, false] {
                    assert!(may(pair[1], is_own) || !may(pair[0], is_own), "{rule:?} {pair:?}");
                }
            }
            assert!(ROLES.iter().all(|&role| may(role, true) || !may(role, false)), "{rule:?}");
        }
    }

    #[test]
    fn a_narrowed_key_reaches_its_part_alone() {
        for rule in TABLE.iter().filter(|rule| !rule.who.is_open()) {
            for scope in Scope::ALL {
                let refused = decide(rule, &caller(Role::Admin, &[scope.word()]), true).err();
                let expected = (scope != rule.scope).then_some(Refusal::ScopeMissing);
                assert_eq!(refused.map(|problem| problem.refusal), expected, "{rule:?} {scope:?}");
            }
        }
    }

    #[test]
    fn nobody_gets_past_what_needs_a_key() {
        for rule in TABLE.iter().filter(|rule| !rule.who.is_open()) {
            let refused = |asking| decide(rule, &asking, true).err().map(|problem| problem.refusal);
            assert_eq!(refused(Asking::Nobody), Some(Refusal::KeyMissing), "{rule:?}");
            assert_eq!(refused(Asking::Edge).is_none(), matches!(rule.who, Who::Edge(_)), "{rule:?}");
        }
    }
}
