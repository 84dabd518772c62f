-- Format 2. History retention finds the facts that are about no automation.

CREATE INDEX facts_of_server ON facts (seq) WHERE automation IS NULL;
