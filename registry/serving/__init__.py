"""The shim that serves the champion and the sidecar that shadows it.

    wire → clock → journal → stage (served: the engine) → said → journal → page desk → notifier
                      │
                      └── sidecar: another engine over the same records, its own journal, no desk

``resolver`` (and ``mlflow_rest``) says which version an alias means, ``following`` swaps it in, and
``journal_replay`` shows that what was served is what a replay says. Nothing here imports MLflow or a
dataframe library, and nothing decides anything about a record: that is the engine's.
"""
