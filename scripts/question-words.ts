const beginnings = `
What|Which|How|Where|Who|When|How many|How much|What is|What is the|What does|What does the|Read the|Write down|Transcribe
`
const behindABlank = `
is the|of the|does the|are the|at the|has the|on the|as the|was the|in the|is|of|does|the|are|was|has|for|in|say?|word|line|many|
follows|section|title|item|entered|list|top|last|value|name|much|number|number?|first|below|there?|chart|lines|highest|price|heading|
field|row|text|have?|invoice|date|right?|form|receipt?|page|down|phone|address?|page?|text.|quantity|amount|unit|option|stands|lowest|
label|text?|have|every|cell.|line?|items|category|link|menu|colour|what|part|under|table?|bottom|shape?|address|subtotal?|shapes|time|
shape|one?|cost?|ticket|form?|company?|ticket?|customer?|long|company|date?|bar|title?|bar?|shown?|its|name?|printed|card?|high|chart?|
percent|screen?|source|you|signed?|street|issued|which|letters.|letters|stand|different|listed?|price?|total|billed?|postcode|town|due?|
signed|rows|table|heading?|job|categories|highest?|lowest?|parts|left?|numbered|headings|total?|given?|given|size|changed?|top?|
largest?|smallest?|after|tax|charged?|share|tax?|invoice?|postal|flight|second|marked|account|web
`
const words = (list: string): string[] => list.replaceAll('\n', '').split('|')

/**
 * What questions are made of, as tokens of their own: a question then takes a third of the steps. Answers are spelled letter by
 * letter nearly always, as they are read off.
 */
export const questionWords: readonly string[] = [
  'user',
  'assistant',
  ...words(beginnings),
  ...words(behindABlank).map((word) => ` ${word}`),
]
