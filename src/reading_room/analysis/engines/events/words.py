"""The words that tell events, by type, and what stands beside words that tell of none.

The lists were written from the descriptions of the eleven types, and from company reports and press releases that are
not in the test set. Every expression is bounded, so that a text takes time in proportion to its length.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SURE, LIKELY, WEAK = 0.95, 0.85, 0.7
"""Scores of triggers: ranks of rules, not measured."""


class Rule(NamedTuple):
    """Words that tell events of a type. ``form`` is the rule of ``roles.py`` for their arguments."""

    type: str
    form: str
    score: float
    pattern: re.Pattern[str]


def either(*patterns: str) -> re.Pattern[str]:
    """Return an expression for any of several, whatever the case."""
    return re.compile("|".join(patterns), re.IGNORECASE)


def _rule(kind: str, form: str, score: float, *patterns: str) -> Rule:
    return Rule(kind, form, score, either(*patterns))


MASKS = either(
    r"(?:completion of )?acquisition or disposition of assets",
    r"bankruptcy or receivership",
    r"changes? in control of registrant",
    r"departure of (?:certain )?(?:directors|officers)(?: or (?:certain |principal )?officers?)?",
    r"election of directors",
    r"appointment of (?:certain|principal)(?:\s+officers?)?",
    r"compensatory arrangements? of certain officers",
    r"unregistered sales? of equity securities",
    r"agreement and plan of (?:reorganization and )?merger",
    r"(?:definitive )?merger (?:agreement|sub)\b",
    r"bankruptcy (?:code|courts?|law|act|lawyers?|attorneys?|judge|matters|practice|group|issues|section)\b",
    r"bankruptcy and restructuring",
    r"(?:employment|separation|retirement|severance)(?: and [a-z]+)? "
    r"(?:agreement|plan|benefits?|age|community|date|letter)",
    r"(?:stock|share|asset|securities|note|unit|equity) purchase (?:agreement|plan|right|option|warrant|price)",
    r"(?:initial )?public offering price",
    r"offering (?:price|expenses|circular|memorandum|documents?|costs?)",
    r"placement agents?",
    r"split[- ]adjusted",
    r"(?:reverse |stock )?split ratio",
    r"investment (?:bank(?:ing)?|grade|advis[eo]r[sy]?|manage(?:ment|rs?)|compan(?:y|ies)|portfolio|decisions?)\b",
    r"investment (?:objectives?|polic(?:y|ies)|strategy|firms?|partners?|community|services?|team|opportunit(?:y|ies))",
    r"(?:mandatory|normal|early) retirement",
    r"registration rights",
)
"""Titles of a report's items, names of contracts and of prices: what tells of no event by itself."""
DISCLAIMERS = either(
    r"forward[- ]looking",
    r"(?:does|shall|do) not constitute an? (?:offer|solicitation)",
    r"nor shall there be any sale",
    r"incorporated (?:herein )?by reference into any",
    r"shall not be deemed",
)
"""What the sentences have that companies add to everything."""

_BANK, _WORK = "BANKRUPTCY", "EMPLOYMENT"
_BUY, _JOIN, _IN = "CORPORATE_ACQUISITION", "CORPORATE_MERGER", "INVESTMENT_GENERAL"

PHRASES = (
    _rule(_BANK, "filing", SURE, r"\bchapter (?:7|11|13|15)\b"),
    _rule(_BANK, "filing", LIKELY, r"\bbankruptcy\b", r"\bbankrupt\b", r"\breceivership\b", r"\bcreditor protection\b"),
    _rule("IPO", "offering", SURE, r"\binitial public offerings?\b", r"\bIPOs?\b"),
    _rule("IPO", "offering", LIKELY, r"\b(?:go|goes|going|went) public\b"),
    _rule(
        "RIGHTS_ISSUE", "offering", SURE, r"\brights (?:issues?|offerings?)\b", r"\b(?:entitlement|open) offer(?! to)\b"
    ),
    _rule(
        "RIGHTS_ISSUE",
        "offering",
        LIKELY,
        r"\bcapital increase(?=[^.]{0,60}\b(?:subscription|pre-?emptive) rights)",
    ),
    _rule("TENDER_OFFERING", "tender", SURE, r"\b(?:self-)?tender offers?\b"),
    _rule("TENDER_OFFERING", "tender", LIKELY, r"\b(?:takeover|take-over|exchange) (?:offer|bid)s?\b"),
    _rule(
        "SHELF_OFFERING",
        "offering",
        SURE,
        r"\bshelf[\"”']? (?:registration(?: statement)?|offering|prospectus)\b",
        r"\bregistration statement(?= on Form [SF]-3\b)",
    ),
    _rule(
        "STOCK_SPLIT",
        "split",
        SURE,
        r"\b(?:(?:reverse|forward) )?(?:stock|share) splits?\b",
        r"\b(?:reverse|forward) splits?\b",
        r"\b(?:share|stock) (?:consolidation|subdivision)\b",
    ),
    _rule("STOCK_SPLIT", "split", LIKELY, r"\bconsolidation(?= of (?:all |its |the |every )[a-z ]{0,40}shares\b)"),
    _rule(
        "SECONDARY_OFFERING",
        "offering",
        SURE,
        r"\bregistered direct offerings?\b",
        r"\bsecondary (?:public )?offerings?\b",
        r"\bfollow-on(?: public)?(?: offerings?)?\b",
        r"(?<!initial )\bpublic offerings?\b",
        r"\b(?:at-the-market|equity) offerings?\b",
    ),
    _rule(_JOIN, "merging", SURE, r"\bmergers?\b", r"\bbusiness combinations?\b", r"\bamalgamation\b"),
    _rule(
        _IN,
        "investing",
        SURE,
        r"\bprivate placements?\b",
        r"\b(?:seed|angel|venture|bridge|growth) (?:round|funding)\b",
        r"\b(?:pre-)?series [A-H]\d?(?: (?:funding|financing|investment))?(?: round)?\b"
        r"(?! (?:[A-Z][a-z]+ ){0,3}(?:preferred|warrants?|notes?|convertible|shares?|units?|common|ordinary|stock)\b)",
    ),
    _rule(_IN, "investing", LIKELY, r"\b(?:funding|investment|financing) rounds?\b"),
)
"""Words that tell an event wherever they stand."""

PERSON_WORDS = (
    _rule(
        _WORK,
        "appointing",
        SURE,
        r"\b(?:re-?)?(?:appoint(?:s|ed|ing)?|elect(?:s|ed|ing)?|hir(?:es|ed|ing)|promot(?:es?|ed|ing))\b",
        r"\brecruit(?:s|ed|ing)?\b",
    ),
    _rule(_WORK, "appointing", LIKELY, r"\b(?:nam(?:es|ed|ing)|taps|tapped|selected)\b"),
    _rule(_WORK, "appointment", SURE, r"\b(?:re-?)?(?:appointments?|elections?|promotions?|hire)\b"),
    _rule(
        _WORK,
        "joining",
        LIKELY,
        r"\b(?:join(?:s|ed|ing)?|steps? into|stepped into|stepping into|succeed(?:s|ed|ing)?)\b",
        r"\b(?:transition(?:s|ed|ing)?|takes over as|took over as)\b",
    ),
    _rule(
        _WORK,
        "serving",
        LIKELY,
        r"\b(?:serv(?:e|es|ed|ing)|worked|employed)\b"
        r"(?= (?:as|on|in|at|for|by|under|alongside|until|effective)\b)",
    ),
    _rule(
        _WORK,
        "leaving",
        SURE,
        r"\b(?:resign(?:s|ed|ing|ations?)?|retir(?:e|es|ed|ing|ements?)|step(?:s|ped|ping)? down)\b",
        r"\b(?:depart(?:s|ed|ing|ures?)|ousted|dismiss(?:es|ed|al))\b",
    ),
    _rule(
        _WORK,
        "leaving",
        LIKELY,
        r"\b(?:leav(?:e|es|ing)|left)\b(?= (?:the|his|her|its|our) "
        r"(?:company|firm|board|bank|position|role|post|job|registrant|organization)\b)",
        r"\bseparation(?= from\b)",
        r"\bre-?election\b",
        r"\btermination(?= of (?:Mr|Ms|Mrs|Dr|[A-Z][a-z]+ [A-Z]))",
    ),
)
"""Words that tell of somebody's work if a person stands near them."""

ORGANIZATION_WORDS = (
    _rule(_BUY, "acquiring", SURE, r"\bacquir(?:e|es|ed|ing)\b"),
    _rule(_BUY, "acquisition", SURE, r"\bacquisitions?\b", r"\bbuy-?outs?\b", r"\btakeovers?\b"),
    _rule(_BUY, "acquiring", LIKELY, r"\b(?:purchas(?:e|es|ed|ing)|buy|buys|buying|bought)\b"),
    _rule(_BUY, "selling", LIKELY, r"\b(?:sell|sells|selling|sold|divest(?:s|ed|ing)?)\b"),
    _rule(_BUY, "sale", LIKELY, r"\b(?:sale|divestitures?|divestment)\b"),
    _rule(_JOIN, "merging", LIKELY, r"\b(?:merg(?:e|es|ed|ing)|combin(?:e|es|ing))\b"),
    _rule(_BANK, "filing", LIKELY, r"\binsolvency\b"),
    _rule(_IN, "investing", LIKELY, r"\b(?:invest(?:s|ed|ing)?|investments?|rais(?:e|es|ed|ing))\b"),
)
"""Words that tell of a deal if what they are about stands beside them."""

OBJECT = either(
    r"\b(?:assets|business(?:es)?|company|companies|subsidiar(?:y|ies)|division|unit|segment|stake|interest)\b",
    r"\b(?:stock of|shares of|operations|platforms?|firm|majority|100%|all of the)\b",
    r"\boutstanding (?:common |capital )?(?:stock|shares)\b",
)
"""What is bought or sold when a company is."""
NOT_COMPANIES = either(
    r"\b(?:acquisition|purchase|sale)s? of (?:machinery|equipment|property|land|real estate|inventory|talent|\d)",
    r"\b(?:acquisition|purchase|sale)s? of (?:customers?|data|shares|common|ordinary|securities|the notes|notes|units)",
    r"\b(?:acquisition|purchase|sale)s? of (?:products?|services|certain securities|an aggregate|approximately \d)",
    r"\b(?:customer|talent|data|land|user|client|property)[- ](?:acquisition|purchase)",
    r"\bacquisitions? (?:financing|strateg|opportunit|cost|expense|pipeline|target|vehicle|plans)",
    r"\b(?:warrants?|options?|rights?) to (?:purchase|acquire|buy)",
    r"\b(?:purchase|buy|acquire|purchasing|sell|sold) (?:up to )?(?:an? (?:additional|equal|aggregate) )?\d",
)
"""Goods, and shares that are issued."""
SOLD = re.compile(
    r" of (?:its|the|a|an|all|certain|substantially|[A-Z])[^.]{0,60}?(?:business|unit|division|segment|subsidiary"
    r"|assets|stake|interest|operations|company|Inc|LLC|Ltd|Corp)"
)
"""What follows the sale of a company or of a part of one."""
NAMED_DEALS = either(r"\b(?:announced|completed|these|two|three|recent|both|acquisitions of)\b")
"""What makes several acquisitions more than a strategy."""
PAPERS = either(r"\b(?:notes|debentures|bonds|indenture|medium-term)\b")
"""Debts, which are no shares."""
SHARES = either(r"\b(?:shares|stock|units|ADSs?|warrants)\b")
WORKER = either(
    r"\b(?:he|she|his|her|Mr|Ms|Mrs|Dr|Messrs|who|successor|directors?|officers?|president|chairman)\b",
    r"\b(?:CEO|CFO|COO|CTO|executives?|nominees?|replacement)\b",
)
PRONOUN = either(r"\b(?:he|she|his|her)\b[^.;]{0,30}\Z")
ADVISER = either(
    r" as (?:an? |the |its |our |sole |exclusive |lead |joint |financial |legal |global |co-?|independent |registered )"
    r"{0,6}(?:placement|book|underwrit|advis|legal|counsel|manager|representative|selling|agent|auditor|account|escrow"
    r"|trustee|foundation|basis|catalyst|reminder|platform|hub|model|collateral|proxy)",
)
"""What a bank or a thing serves as, and no person."""
WHOM = either(r"\b(?:investors?|led by|funding|series [a-h]\b|seed|venture)")
JOINED = re.compile(r"\b(?:with|into|its business|to form)\b|^d? \(")

ANAPHORS = (
    (
        ("IPO", "SECONDARY_OFFERING", "RIGHTS_ISSUE"),
        "offering",
        either(
            r"(?<=\bthe )(?:proposed )?offering\b",
            r"(?<=\bthis )offering\b",
            r"(?<=\bproposed )offering\b",
            r"(?<=\bits )offering\b",
            r"(?<=million )offering\b",
            r"(?<=[\"“])offering(?=[\"”])",
        ),
    ),
    (
        ("TENDER_OFFERING",),
        "tender",
        either(
            r"(?<=\bthe )offer\b(?! to\b| price| period)",
            r"(?<=[\"“])offer(?=[\"”])",
            r"(?<=\bits )offer\b(?= (?:for|has|will|is))",
        ),
    ),
    (("STOCK_SPLIT",), "split", either(r"(?<=\bthe )split\b", r"(?<=\bthis )split\b", r"(?<=\bproposed )split\b")),
    (
        ("INVESTMENT_GENERAL",),
        "investing",
        either(
            r"(?<=\bthe )(?:placement|round|raise|funding|investment)\b",
            r"(?<=\bthis )(?:placement|round|raise|funding|investment)\b",
        ),
    ),
)
"""Words that stand for an event of one of the types that the text names elsewhere: "the offering"."""
