export { type ArchiveMember, readArchive } from "../archive/readArchive";
export { type ObjectPlace, parseS3Uri } from "../archive/source";
export { safeFileName, saveBlob } from "../downloads/fileNames";
export { ConfusionMatrix } from "./ConfusionMatrix";
export { type ConfusionReport, type LabelScores, labelScores, readConfusionReport } from "./confusion";
export { DistributionChart, type DistributionRow } from "./DistributionChart";
export { type Download, DownloadButtons } from "./DownloadButtons";
export { type ScoreRow, ScoreTable } from "./ScoreTable";
