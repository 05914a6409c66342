"""Words that are no entities: articles, conjunctions, prepositions, pronouns and auxiliaries of the models' languages.

An entity list with such a word, most often by mistake, would mark every occurrence of it, and teach the model that
nearly every document has such an entity. The lists are small on purpose, without words that could be a name.
"""

from __future__ import annotations

from collections.abc import Mapping

_WORDS = {
    "en": """
        a an and are as at be been but by for from had has have he her him his if in into is it its nor not of on or our
        she so than that the their them then there these they this those to was we were what when where which while who
        whom whose why with would you your
    """,
    "es": """
        a al como con cuando de del desde donde el ella ellas ellos en entre era es esta este está fue ha han hasta la
        las le les lo los más mi muy ni no nos o para pero por porque que quien se si sin sobre su sus también un una
        unas unos y ya
    """,
    "fr": """
        a au aux avec ce ces cette dans de des du elle elles en est et eux il ils je la le les leur leurs lui mais me
        même ne nos notre nous on ont ou où par pas pour qu que qui sa sans se ses son sont sur te tu un une vos votre
        vous à été
    """,
    "de": """
        aber als am an auch auf aus bei bis das dass dem den der des die doch durch ein eine einem einen einer eines er
        es für hat hatte ich ihr ihre im in ist mit nach nicht noch nur ob oder sein sich sie sind so um und uns unter
        vom von vor war waren wenn wer wie wir wird zu zum zur über
    """,
    "it": """
        a ad ai al alla alle anche che chi ci come con cui da dal dalla dei del della delle di e ed era gli ha hanno i
        il in io la le lei lo loro lui ma mi ne nei nel nella non o per perché più quando se si sono su sua sui sul
        sulla suo tra un una uno è
    """,
    "pt": """
        a ao aos as com como da das de do dos e ela elas ele eles em entre era essa esse esta este está foi há já lhe
        mais mas me na nas nem no nos não o os ou para pela pelo pelos por porque quando que quem se sem seu seus sua
        suas são também um uma à às é
    """,
}

FUNCTION_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split()) for language, words in _WORDS.items()
}
"""By language, in lower case, because "It" or "Who" may well be meant as a name."""
